# Copyright (c) mmdiffpose contributors. All rights reserved.
"""A recording in one npz: people, clips, cameras, 2D and 3D, joints.

No class is needed to train on it
(:class:`~mmdiffpose.datasets.RecordingDataset`), and whoever has NumPy writes
it. Beside what describes the joints::

    joints   (J,) names, in the order of the arrays
    links    (B, 2) indices of the joints that bones connect
    root     the name of the root joint
    swaps    (P, 2) indices of left and right joints that are each other's
             mirror image; by the names (left_..., L..., ...) where absent
    fps      frames a second

each clip that a camera saw has three arrays, whose keys begin with
``<person>/<clip>/<camera>``::

    .../2d      (F, J, 3) u, v in pixels (v down) and score; (F, J, 2) where
                all were seen. NaN or score 0: not seen
    .../3d      (F, J, 3) in metres, in the camera's axes: x right, y down,
                z forward. NaN: not known
    .../camera  w, h or w, h, fx, fy, cx, cy or these and k1, k2, k3, p1, p2

A clip's action is its name up to the first underscore. Without ``2d`` the
poses are projected: exact 2D, which no detector gives.
"""

import logging
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np
from mmengine.logging import print_log
from mmpose.datasets.datasets.utils import parse_pose_metainfo

from mmdiffpose.array_files import check_numbers, npz_names, read_npz
from mmdiffpose.atomic_files import replacing
from mmdiffpose.input_files import check_name
from mmdiffpose.skeletons import Skeleton
from mmdiffpose.skeletons.joint_spelling import mirror_images
from mmdiffpose.skeletons.metainfo import describe_skeleton
from mmdiffpose.skeletons.skeleton import skeleton_from_links
from ..annotation_files.camera_files import CameraParam, project_points
from ..windows.sequence import PoseSequence

HEADER = ('joints', 'links', 'root', 'fps')
PARTS = ('2d', '3d', 'camera')
_CAMERA_SIZES = (2, 6, 11)
_NAME = re.compile(r'[^/._]+')
"""Of people and cameras: parts of image names."""


@dataclass(frozen=True)
class Recording:
    """What a recording file holds.

    Attributes:
        skeleton: The joints.
        fps: Frames a second.
        sequences: One a clip and camera.
    """
    skeleton: Skeleton
    fps: float
    sequences: List[PoseSequence] = field(default_factory=list)


def own_skeleton(joints: Sequence[str],
                 links: Any,
                 root: str,
                 swaps: Any = None,
                 name: str = 'own') -> Skeleton:
    """The joint set of a recording.

    Args:
        joints: Names of J joints.
        links: (B, 2) indices of the joints that bones connect.
        root: Name of the root joint.
        swaps: (P, 2) indices of mirror images; by the names where absent.
        name: Of the joint set.

    Raises:
        ValueError: If a name or an index is wrong.
    """
    joints = [str(joint) for joint in joints]
    if root not in joints:
        raise ValueError(f'root: expected one of {joints}, found {root!r}')
    if swaps is None:
        swaps = mirror_images(joints)
        if not swaps:
            raise ValueError(
                f'nothing says which of the joints {joints} are left and '
                'right: name them (left_knee, RKnee, ...), or give swaps, '
                'index pairs of mirror images; an empty list where there is '
                'none')
    return skeleton_from_links(name, joints,
                               np.asarray(links, int).reshape(-1, 2).tolist(),
                               np.asarray(swaps, int).reshape(-1, 2).tolist(),
                               joints.index(root))


def read_skeleton(path: Union[str, Path]) -> Tuple[Skeleton, float]:
    """Joints and frame rate of a recording file, without its clips.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no such file.
    """
    header = read_npz(path, HEADER, optional=('swaps', ))
    try:
        fps = float(header['fps'])
        if not 0 < fps < 10000:
            raise ValueError(f'fps: expected frames a second, found {fps}')
        return own_skeleton(
            np.ravel(header['joints']).tolist(), header['links'],
            str(header['root']), header.get('swaps'),
            Path(path).stem), fps
    except (ValueError, TypeError) as error:
        raise ValueError(f'{path}: {error}') from error


def recording_metainfo(path: Union[str, Path]) -> Dict[str, Any]:
    """Joints and frame rate of a recording file as MMPose parses METAINFO.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no such file.
    """
    skeleton, fps = read_skeleton(path)
    parsed = parse_pose_metainfo(describe_skeleton(skeleton))
    parsed.update(
        num_keypoints=skeleton.num_joints,
        root_joint=skeleton.joints[skeleton.root],
        fps=fps)
    return parsed


def read_recording(path: Union[str, Path]) -> Recording:
    """Read a recording file.

    Args:
        path: The npz.

    Returns:
        The recording; its sequences are not validated yet.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no such file, or a clip lacks an array.
    """
    skeleton, fps = read_skeleton(path)
    names = sorted(name for name in npz_names(path) if '/' in name)
    arrays = read_npz(path, names)
    clips = sorted({name.rpartition('/')[0] for name in names})
    if not clips:
        raise ValueError(f'{path} holds no clip: expected arrays such as '
                         '"Ann/walk_1/front/3d" (person, clip, camera)')
    sequences = [_sequence(path, clip, arrays, skeleton) for clip in clips]
    return Recording(skeleton, fps, sequences)


def _sequence(path: Union[str, Path], clip: str, arrays: Mapping[str,
                                                                 np.ndarray],
              skeleton: Skeleton) -> PoseSequence:
    parts = clip.split('/')
    found = sorted(
        name.rpartition('/')[2] for name in arrays
        if name.rpartition('/')[0] == clip)
    unknown = sorted(set(found) - set(PARTS))
    if len(parts) != 3 or unknown:
        raise ValueError(
            f'{path}: expected keys <person>/<clip>/<camera>/<one of '
            f'{list(PARTS)}>, found {clip}/{(unknown or found)[0]}')
    missing = sorted({'3d', 'camera'} - set(found))
    if missing:
        raise ValueError(f'{path}: {clip} lacks {missing}, it has {found}')
    person, name, camera = parts
    for part in parts:
        check_name(f'{path}: {clip!a}', part)
    if not _NAME.fullmatch(person) or not _NAME.fullmatch(
            camera) or '.' in name:
        raise ValueError(
            f'{path}: {clip}: names of people and cameras are without "_" '
            'and ".", names of clips without "."')
    check_numbers(path, arrays, [f'{clip}/{part}' for part in found])
    param = camera_from_numbers(arrays[f'{clip}/camera'], f'{path}: {clip}')
    poses = np.asarray(arrays[f'{clip}/3d'], np.float32)
    expected = skeleton.num_joints
    if poses.ndim != 3 or poses.shape[1:] != (expected, 3):
        raise ValueError(f'{path}: {clip}/3d: expected (F, {expected}, 3), '
                         f'found {poses.shape}')
    flat = arrays.get(f'{clip}/2d')
    for part, array in (('3d', poses), ('2d', flat)):
        if array is not None and np.isinf(array).any():
            raise ValueError(
                f'{path}: {clip}/{part}: expected numbers, or NaN '
                'for what is not known, found infinity')
    visible = np.isfinite(poses).all(axis=-1)
    keypoints, scores = _keypoints(f'{path}: {clip}', flat, poses, visible,
                                   param)
    return PoseSequence(
        subject=person,
        action=name.split('_')[0],
        camera=camera,
        clip=name,
        keypoints_2d=keypoints,
        scores=scores,
        keypoints_3d=poses,
        camera_param=param,
        visible=None if visible.all() else visible.astype(np.float32),
        source=str(path))


def _keypoints(where: str, flat: Optional[np.ndarray], poses: np.ndarray,
               visible: np.ndarray,
               camera: CameraParam) -> Tuple[np.ndarray, np.ndarray]:
    """2D joints and their scores, the file's or projected."""
    if flat is not None:
        flat = np.asarray(flat, np.float32)
        if flat.shape[:2] != poses.shape[:2] or flat.shape[2:] not in ((2, ),
                                                                       (3, )):
            raise ValueError(f'{where}/2d: expected {poses.shape[:2]} and 2 or'
                             f' 3 numbers, found {flat.shape}')
        scores = (
            flat[..., 2] if flat.shape[-1] == 3 else np.ones(
                flat.shape[:2], np.float32))
        keypoints = flat[..., :2]
        unseen = ~np.isfinite(keypoints).all(axis=-1) | ~np.isfinite(scores)
        return keypoints, np.where(unseen, 0, scores)
    if 'f' not in camera:
        raise ValueError(f'{where} has no 2d, and its camera no focal length '
                         'to project 3d with')
    print_log(
        f'{where} has no 2d: its poses are projected, exactly as no detector '
        'sees them; add noise in training (KeypointNoise) or the 2D of the '
        'detector that will be used',
        logger='current',
        level=logging.WARNING)
    in_front = np.where((visible & (poses[..., 2] > 0))[..., None], poses, 1)
    return (project_points(in_front, camera).astype(np.float32),
            (visible & (poses[..., 2] > 0)).astype(np.float32))


def camera_from_numbers(numbers: Any, where: str) -> CameraParam:
    """A camera's parameters from 2, 6 or 11 numbers."""
    values = np.asarray(numbers, np.float64).ravel()
    if len(values) not in _CAMERA_SIZES or not np.isfinite(values).all() or (
            values[:4] <= 0).any():
        raise ValueError(
            f'{where}: camera: expected w, h; or w, h, fx, fy, cx, cy; or '
            'these and k1, k2, k3, p1, p2, all in pixels, found '
            f'{np.ravel(numbers).tolist()}')
    camera: Dict[str, Any] = dict(w=int(values[0]), h=int(values[1]))
    if len(values) > 2:
        camera.update(
            f=values[2:4].astype(np.float32), c=values[4:6].astype(np.float32))
    if len(values) > 6:
        camera.update(
            k=values[6:9].astype(np.float32), p=values[9:].astype(np.float32))
    return camera


def camera_to_numbers(camera: Mapping[str, Any]) -> np.ndarray:
    """The inverse of :func:`camera_from_numbers`."""
    numbers = [camera['w'], camera['h']]
    if 'f' in camera:
        numbers += [*np.ravel(camera['f']), *np.ravel(camera['c'])]
        if 'k' in camera and 'p' in camera:
            numbers += [*np.ravel(camera['k']), *np.ravel(camera['p'])]
    return np.array(numbers, np.float64)


def write_recording(path: Union[str, Path], recording: Recording) -> None:
    """Write a recording file, whole or not at all.

    Args:
        path: The npz to write.
        recording: Poses in metres and camera axes.

    Raises:
        ValueError: If a clip is broken.
    """
    skeleton = recording.skeleton
    arrays: Dict[str, Any] = dict(
        joints=np.array(skeleton.joints),
        links=np.array(skeleton.links or skeleton.bones, np.int64),
        root=np.array(skeleton.joints[skeleton.root]),
        swaps=np.array(skeleton.flip_pairs, np.int64).reshape(-1, 2),
        fps=np.array(float(recording.fps)))
    for sequence in recording.sequences:
        key = f'{sequence.subject}/{sequence.clip}/{sequence.camera}'
        if f'{key}/3d' in arrays:
            raise ValueError(f'{key} is there twice')
        poses = np.asarray(sequence.keypoints_3d, np.float32)
        if sequence.visible is not None:
            poses = np.where(sequence.visible[..., None] > 0, poses, np.nan)
        arrays[f'{key}/3d'] = poses.astype(np.float32)
        arrays[f'{key}/2d'] = np.concatenate(
            [sequence.keypoints_2d, sequence.scores[..., None]],
            axis=-1).astype(np.float32)
        arrays[f'{key}/camera'] = camera_to_numbers(sequence.camera_param)
    with replacing(path) as temporary:
        with open(temporary, 'wb') as file:
            np.savez_compressed(file, **arrays)
