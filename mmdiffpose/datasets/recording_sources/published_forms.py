# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Forms of published data sets that others save their own data in, too.

AIST++: ``keypoints3d_optim`` or ``keypoints3d`` (F, 17, 3) in centimetres
and, where given, ``keypoints2d`` (cameras, F, 17, 3), joints of COCO, in an
npz or a pickle of plain data, beside a JSON file of cameras. COCO has no joint
in the middle: ``mid_hip``, the mean of the hips, is added as the root.

Human3.6M, as VideoPose3D saves it: ``positions_3d``, by person and clip
(F, 17, 3) or (F, 32, 3) in metres in the world, beside ``cameras.pkl``; and
``positions_2d``, by person and clip a list of (F, 17, 2 or 3) in the order of
the cameras' names.
"""

from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Union

import numpy as np

from mmdiffpose.input_files import check_name, numbers
from mmdiffpose.plain_pickle import load_plain_npz, load_plain_pickle
from mmdiffpose.skeletons import COCO_17, H36M_17, Skeleton
from mmdiffpose.skeletons.mocap_sets import JOINTS_32_TO_17
from ..annotation_files.camera_files import (camera_from_world, project_points,
                                             read_cameras)
from ..recordings.recording_file import Recording, own_skeleton
from ..windows.sequence import PoseSequence, fill_unknown
from .calibrations import plain_name, read_calibration

PathLike = Union[str, Path]
CENTIMETRE = .01


def with_mid_hip() -> Skeleton:
    """COCO's joints and the middle of the hips as the root."""
    names = [*COCO_17.joints, 'mid_hip']
    hips = [names.index(f'{side}_hip') for side in ('left', 'right')]
    links = [
        link for link in COCO_17.links or COCO_17.bones
        if set(link) != set(hips)
    ]
    links += [(len(names) - 1, hip) for hip in hips]
    return own_skeleton(names, links, 'mid_hip', name='aist')


def read_aist(path: PathLike,
              calibration: PathLike,
              person: str,
              clip: str,
              fps: float = 60.,
              unit: float = CENTIMETRE) -> Recording:
    """Read a clip in AIST++'s form.

    Args:
        path: An npz or a pickle.
        calibration: Its cameras, JSON.
        person: Name of the person.
        clip: Name of the clip.
        fps: Frames a second.
        unit: Metres in the unit of poses and cameras' places.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If a file is none of this form.
    """
    content = (
        load_plain_npz(path)
        if Path(path).suffix == '.npz' else load_plain_pickle(path))
    poses = _first(content, ('keypoints3d_optim', 'keypoints3d'), path)
    if poses.ndim != 3 or poses.shape[1:] != (17, 3):
        raise ValueError(f'{path}: expected keypoints3d of the shape (F, 17, '
                         f'3), found {poses.shape}')
    hips = [COCO_17.index[f'{side}_hip'] for side in ('left', 'right')]
    poses = np.concatenate([poses, poses[:, hips].mean(1, keepdims=True)], 1)
    poses = poses * unit
    cameras = read_calibration(calibration, unit)
    flat = content.get('keypoints2d')
    if flat is not None:
        flat = numbers(f'{path}: keypoints2d', flat, 'numbers')
        if flat.shape[:3] != (len(cameras), len(poses), 17):
            raise ValueError(
                f'{path}: expected keypoints2d of the shape ({len(cameras)}, '
                f'{len(poses)}, 17, 3), found {flat.shape}')
        middle = flat[:, :, hips].mean(axis=2, keepdims=True)
        if flat.shape[-1] > 2:
            middle[..., 2] = flat[:, :, hips, 2].min(axis=2, keepdims=True)
        flat = np.concatenate([flat, middle], axis=2)
    sequences = [
        _sequence(person, clip, name, poses, camera,
                  None if flat is None else flat[i])
        for i, (name, camera) in enumerate(cameras.items())
    ]
    return Recording(with_mid_hip(), fps, sequences)


def read_h36m_form(path: PathLike,
                   cameras: PathLike,
                   keypoints: Optional[PathLike] = None,
                   fps: float = 50.) -> Recording:
    """Read clips in the form of VideoPose3D's Human3.6M files.

    Args:
        path: The npz with ``positions_3d``.
        cameras: ``cameras.pkl`` of its people.
        keypoints: The npz with ``positions_2d``; projections where absent.
        fps: Frames a second.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If a file is none of this form.
    """
    people = _nested(load_plain_npz(path), 'positions_3d', path)
    flat = None if keypoints is None else _nested(
        load_plain_npz(keypoints), 'positions_2d', keypoints)
    known_cameras = read_cameras(cameras)
    sequences: List[PoseSequence] = []
    for person, clips in people.items():
        check_name(f'{path}: person', person)
        own = {
            camera: param
            for (subject, camera), param in sorted(known_cameras.items())
            if subject == person
        }
        if not own:
            raise ValueError(
                f'{path}: {cameras} has no camera of {person}, only of '
                f'{sorted({s for s, _ in known_cameras})}')
        for clip, poses in clips.items():
            check_name(f'{path}: clip', clip)
            poses = numbers(f'{path}: {person} {clip}', poses, 'numbers')
            if poses.ndim != 3 or poses.shape[1:] not in ((17, 3), (32, 3)):
                raise ValueError(f'{path}: {person} {clip}: expected (F, 17, '
                                 f'3) or (F, 32, 3), found {poses.shape}')
            if poses.shape[1] == 32:
                poses = poses[:, list(JOINTS_32_TO_17)]
            views: List[Any] = [None] * len(own)
            if flat is not None:
                views = list(flat.get(person, {}).get(clip, ()))
                if len(views) != len(own):
                    raise ValueError(
                        f'{keypoints}: {person} {clip}: expected 2D of the '
                        f'{len(own)} cameras {sorted(own)}, found '
                        f'{len(views)}')
            for (name, camera), view in zip(own.items(), views):
                sequences.append(
                    _sequence(person, clip.replace(' ', '_'), name, poses,
                              camera, view))
    return Recording(H36M_17, fps, sequences)


def _sequence(person: str, clip: str, name: str, world: np.ndarray,
              camera: Mapping[str, Any], flat: Any) -> PoseSequence:
    known = np.isfinite(world).all(axis=-1)
    poses = camera_from_world(fill_unknown(world, known), camera)
    if flat is None:
        seen = known & (poses[..., 2] > 0)
        points = project_points(np.where(seen[..., None], poses, 1), camera)
        scores = seen.astype(np.float32)
    else:
        flat = numbers(f'{person} {clip} camera {name}', flat, 'numbers')
        if flat.ndim != 3:
            raise ValueError(f'{person} {clip} camera {name}: expected 2D of '
                             f'(F, J, 2 or 3), found {flat.shape}')
        flat = flat[:, :poses.shape[1]]
        if flat.shape[:2] != poses.shape[:2]:
            raise ValueError(f'{person} {clip} camera {name}: expected 2D of '
                             f'{poses.shape[:2]} frames and joints, found '
                             f'{flat.shape[:2]}')
        points = flat[..., :2]
        scores = (
            np.clip(flat[..., 2], 0, 1)
            if flat.shape[-1] > 2 else np.ones(flat.shape[:2]))
        scores = np.where(np.isfinite(points).all(-1), scores, 0)
    return PoseSequence(
        subject=plain_name(person),
        action=clip.split('_')[0],
        camera=plain_name(name),
        clip=clip.replace('.', '-').replace('/', '-'),
        keypoints_2d=points.astype(np.float32),
        scores=scores.astype(np.float32),
        keypoints_3d=poses.astype(np.float32),
        camera_param=dict(camera),
        visible=None if known.all() else known.astype(np.float32))


def _first(content: Any, keys: Any, path: PathLike) -> np.ndarray:
    for key in keys:
        if isinstance(content, dict) and key in content:
            return numbers(f'{path}: {key}', content[key], 'numbers')
    found = (
        sorted(map(str, content))[:20]
        if isinstance(content, dict) else type(content).__name__)
    raise ValueError(f'{path}: expected one of {keys}, found {found}')


def _nested(content: Dict[str, Any], key: str,
            path: PathLike) -> Dict[str, Dict[str, Any]]:
    people = content.get(key)
    if not isinstance(people, dict) or not all(
            isinstance(clips, dict) for clips in people.values()):
        raise ValueError(f'{path}: expected {key}, a dict of people of dicts '
                         f'of clips, found {sorted(content)[:20]}')
    return people
