# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Read 2D keypoint files: MMPose's prediction JSON and plain npz.

JSON, as MMPose's inferencer and demos write it, one of::

    [{"frame_id": 0, "instances": [{"keypoints": [[x, y], ...],
                                    "keypoint_scores": [s, ...]}, ...]}, ...]
    {"meta_info": {...}, "instance_info": [... the list above ...]}
    [{"keypoints": ..., "keypoint_scores": ...}, ...]        (a single image)

``keypoints`` are pixels; a third number per joint is its score where
``keypoint_scores`` is absent. An instance may carry a ``track_id``. These
keys of ``meta_info`` are read: ``image_size`` [w, h], ``fps`` and
``skeleton`` (or MMPose's ``dataset_name``).

npz: ``keypoints`` (F, J, 2) or (F, J, 3), and optionally ``scores`` (F, J),
``image_size`` (2, ), ``fps``, ``skeleton``, ``frame_ids`` (F, ).
"""

import json
import math
import warnings
from functools import reduce
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple, Union

import numpy as np

from mmdiffpose.skeletons import SKELETONS, Skeleton, get_skeleton
from .keypoint_track import KeypointTrack
from .person_selection import Frames, Person, select_person

MAX_MISSING = 1000
"""Frames that a file may leave out for each frame that it has."""


def read_keypoint_file(path: Union[str, Path],
                       image_size: Optional[Tuple[int, int]] = None,
                       skeleton: Optional[str] = None,
                       track_id: Optional[int] = None) -> KeypointTrack:
    """Read one person's 2D track.

    Frames that the file leaves out between its first and its last one come
    back with scores of 0.

    Args:
        path (str | Path): A ``.json`` or ``.npz`` file, see the module.
        image_size (tuple[int, int], optional): Width and height in pixels;
            needed where the file does not say it.
        skeleton (str, optional): Name of the joint set. Defaults to what the
            file says, else ``'coco'``.
        track_id (int, optional): The person wanted among several.

    Returns:
        KeypointTrack: F frames.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: For a file that is empty, of another format or joint
            count, or with NaN or infinite values; names the file, what was
            expected and what was found.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'no keypoint file at {path}')
    if path.stat().st_size == 0:
        raise ValueError(f'{path} is empty: expected 2D keypoints')
    if path.suffix == '.npz':
        return _read_npz(path, image_size, skeleton)
    if path.suffix == '.json':
        return _read_json(path, image_size, skeleton, track_id)
    raise ValueError(f'{path}: expected a .json or .npz file, found '
                     f'{path.suffix or "no suffix"}')


def _read_npz(path: Path, image_size: Optional[Tuple[int, int]],
              skeleton: Optional[str]) -> KeypointTrack:
    try:
        with np.load(path, allow_pickle=False) as file:
            data = dict(file)
    except (OSError, ValueError) as error:
        raise ValueError(
            f'{path}: not a readable npz file ({error})') from error
    if 'keypoints' not in data:
        raise ValueError(f"{path}: expected an array 'keypoints', found "
                         f'{sorted(data)}')
    keypoints = data['keypoints']
    if keypoints.ndim != 3 or keypoints.shape[-1] not in (2, 3):
        raise ValueError(f'{path}: expected keypoints of shape (frames, '
                         f'joints, 2 or 3), found {keypoints.shape}')
    scores = data.get('scores')
    if scores is None and keypoints.shape[-1] == 3:
        scores = keypoints[..., 2]
    if scores is None:
        scores = _no_scores(path, keypoints.shape[:-1])
    meta = {
        key: data[key].tolist()
        for key in ('image_size', 'fps', 'skeleton') if key in data
    }
    return KeypointTrack(
        keypoints[..., :2],
        scores,
        _image_size(path, meta, image_size),
        _skeleton(meta, skeleton),
        data.get('frame_ids'),
        meta.get('fps'),
        source=str(path))


def _read_json(path: Path, image_size: Optional[Tuple[int, int]],
               skeleton: Optional[str],
               track_id: Optional[int]) -> KeypointTrack:
    try:
        document = json.loads(path.read_text())
    except ValueError as error:
        raise ValueError(f'{path}: not a JSON file ({error})') from error
    meta: Dict[str, Any] = {}
    if isinstance(document, dict):
        if 'instance_info' not in document:
            raise ValueError(f"{path}: expected a key 'instance_info', found "
                             f'{sorted(document)}')
        meta = document.get('meta_info') or {}
        document = document['instance_info']
    if not isinstance(document, list):
        raise ValueError(f'{path}: expected a list of frames, found '
                         f'{type(document).__name__}')
    if not document:
        raise ValueError(f'{path} is empty: expected keypoints of at least '
                         'one frame, found 0 frames')
    joints = _skeleton(meta, skeleton)
    frames = _parse_frames(path, document, joints)
    persons = select_person(frames, track_id, str(path))
    keypoints, scores, frame_ids = _stack(path, persons, joints)
    chosen = next(iter(persons.values())).track_id
    return KeypointTrack(keypoints, scores,
                         _image_size(path, meta,
                                     image_size), joints, frame_ids,
                         meta.get('fps'), chosen, str(path))


def _parse_frames(path: Path, entries: List[Any],
                  skeleton: Skeleton) -> Frames:
    if all(isinstance(e, dict) and 'keypoints' in e for e in entries):
        entries = [dict(frame_id=0, instances=entries)]
    frames: Frames = {}
    for position, entry in enumerate(entries):
        if not isinstance(entry, dict) or 'instances' not in entry:
            raise ValueError(f"{path}: expected a key 'instances' in frame "
                             f'number {position}, found '
                             f'{_describe(entry)}')
        frame_id = entry.get('frame_id', position)
        if not isinstance(frame_id, int) or frame_id in frames:
            raise ValueError(f'{path}: expected frame ids that are whole and '
                             f'differ, found {frame_id!r} in frame number '
                             f'{position}')
        frames[frame_id] = [
            _parse_person(path, frame_id, instance, skeleton)
            for instance in entry['instances']
        ]
    return frames


def _parse_person(path: Path, frame_id: int, instance: Any,
                  skeleton: Skeleton) -> Person:
    where = f'{path}, frame {frame_id}'
    if not isinstance(instance, dict) or 'keypoints' not in instance:
        raise ValueError(f"{where}: expected a key 'keypoints' in each "
                         f'instance, found {_describe(instance)}')
    try:
        keypoints = np.array(instance['keypoints'], np.float64)
    except (TypeError, ValueError):
        raise ValueError(f'{where}: expected keypoints as a list of [x, y], '
                         'found lists of different lengths or other values')
    if keypoints.ndim != 2 or keypoints.shape[1] not in (2, 3):
        raise ValueError(f'{where}: expected keypoints of shape '
                         f'({skeleton.num_joints}, 2), found '
                         f'{keypoints.shape}')
    if len(keypoints) != skeleton.num_joints:
        raise ValueError(f'{where}: expected {skeleton.num_joints} joints '
                         f'(skeleton {skeleton.name}), found '
                         f'{len(keypoints)}')
    scores = instance.get('keypoint_scores')
    if scores is None:
        scores = keypoints[:, 2] if keypoints.shape[1] == 3 else _no_scores(
            path, len(keypoints))
    scores = np.asarray(scores, np.float64)
    if scores.shape != (len(keypoints), ):
        raise ValueError(f'{where}: expected {len(keypoints)} keypoint '
                         f'scores, found an array of shape {scores.shape}')
    _check_finite(where, np.c_[keypoints[:, :2], scores], skeleton)
    return Person(keypoints[:, :2], scores, instance.get('track_id'))


def _check_finite(where: str, values: np.ndarray, skeleton: Skeleton) -> None:
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        joint, column = bad[0]
        raise ValueError(f'{where}: expected finite numbers, found '
                         f'{values[joint, column]} as '
                         f'{("x", "y", "score")[column]} of joint '
                         f'{skeleton.joints[joint]}')


def _stack(path: Path, persons: Dict[int, Person],
           skeleton: Skeleton) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Arrays from the first to the last frame; absent frames score 0."""
    present = np.array(sorted(persons))
    # A file of every n-th frame has no gaps, it has another frame rate.
    step = reduce(math.gcd, np.diff(present).tolist(), 0) or 1
    rows = (present - present[0]) // step
    if rows[-1] > MAX_MISSING * len(rows):
        raise ValueError(f'{path}: expected a clip, found {len(rows)} frames '
                         f'between frame {present[0]} and {present[-1]}')
    keypoints = np.zeros((rows[-1] + 1, skeleton.num_joints, 2))
    scores = np.zeros(keypoints.shape[:2])
    for row, frame in zip(rows, present):
        keypoints[row] = persons[frame].keypoints
        scores[row] = persons[frame].scores
    return keypoints, scores, present[0] + step * np.arange(len(keypoints))


def _no_scores(path: Path, shape: Union[int, Tuple[int, ...]]) -> np.ndarray:
    warnings.warn(f'{path} has no keypoint scores: every joint counts as '
                  'surely seen')
    return np.ones(shape)


def _skeleton(meta: Dict[str, Any], name: Optional[str]) -> Skeleton:
    """The joint set asked for, else the file's, else COCO's."""
    if name is None:
        name = meta.get('skeleton')
    if name is None and meta.get('dataset_name') in SKELETONS:
        name = meta['dataset_name']
    return get_skeleton(name or 'coco')


def _image_size(path: Path, meta: Dict[str, Any],
                given: Optional[Tuple[int, int]]) -> Tuple[int, int]:
    size = given if given is not None else meta.get('image_size')
    if size is None:
        raise ValueError(f"{path}: expected the image's size, found none; "
                         'give it as image_size=(width, height), on the '
                         'command line as --image-size WIDTH HEIGHT')
    return size


def _describe(value: Any) -> str:
    if isinstance(value, dict):
        return f'keys {sorted(value)}'
    return type(value).__name__
