# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Arrays in an npz or npy file.

``keypoints`` (F, J, 2) or (F, J, 3), of several people (P, F, J, 2 or 3), or
(F, P, J, 2 or 3) where that shows in how far they move, in pixels; optionally
``scores`` (..., F, J), ``mixtures`` (..., F, J, M, 5),
``image_size`` (2, ), ``fps``, ``skeleton`` or ``joints`` (names), ``times``
(F, ) seconds and ``frame_ids`` (F, ).
``tools/dataset_converters/heatmap_mixtures.py`` writes such files. An npy
file is its keypoints alone, and so is the one array of an npz.

33 joints are MediaPipe's: shares of the picture, (..., 33, 3) x, y, z or
(..., 33, 4 or 5) x, y, z, visibility, presence.

VideoPose3D's ``data_2d_custom_*.npz`` holds dicts as pickled objects; they
are read without running anything
(:mod:`~mmdiffpose.plain_pickle`).
"""

import warnings
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np

from mmdiffpose.array_files import is_archive, npz_names, read_npy, read_npz
from mmdiffpose.files.person_selection import MAX_JUMP
from mmdiffpose.plain_pickle import load_plain_npz
from mmdiffpose.structures.keypoint_track import KeypointTrack
from mmdiffpose.structures.seen_joints import (check_pixels, drop_far_outside,
                                               mark_unseen, scores_to_one,
                                               unit_of)
from .checks import choose_fps, choose_image_size, describe, no_scores
from .layouts import choose_layout

USUAL = {
    17: 'coco',
    26: 'halpe26',
    33: 'mediapipe',
    133: 'coco_wholebody',
    136: 'halpe136'
}
_NUMBERS = ('keypoints', 'scores', 'mixtures', 'frame_ids', 'times')
_ALIASES = ('keypoints_2d', 'landmarks', 'pose_landmarks', 'poses', 'kpts',
            'positions_2d', 'pose')
"""Names under which keypoints are kept, beside ``keypoints``."""

Arrays = Dict[str, Any]


def read(path: Path, image_size: Optional[Sequence[int]],
         skeleton: Optional[str]) -> List[KeypointTrack]:
    """Read a file; one track per person of whom a joint was seen.

    Args:
        path (Path): The file.
        image_size (tuple[int, int], optional): See ``read_keypoint_file``.
        skeleton (str, optional): See ``read_keypoint_file``.

    Raises:
        ValueError: If it is no such file, or has other joints or shapes.
    """
    where = str(path)
    data = _load(path)
    keypoints, scores = _keypoints_and_scores(where, data)
    size = choose_image_size(where, image_size, data.get('image_size'))
    keypoints, scores = mark_unseen(keypoints, scores)
    rows = (-1, *keypoints.shape[-2:])
    if not scores.size:
        raise ValueError(f'{where} is empty: expected keypoints of at least '
                         f'one frame, found the shape {keypoints.shape}')
    if keypoints.shape[-2] == 33 and unit_of(keypoints, scores,
                                             size) == 'shares':
        warnings.warn(f'{where}: keypoints are shares of the picture, taken '
                      f'as of {size[0]} x {size[1]} pixels')
        keypoints = keypoints * size
    check_pixels(keypoints, scores, size, where)
    scores = drop_far_outside(keypoints, scores, size, where)
    if not scores.any():
        raise ValueError(f'{where}: no joint of any person was seen (all '
                         'scores are 0), there is nothing to lift')
    seen = scores.any(-1)
    joints = choose_layout(where, keypoints[seen].reshape(rows),
                           scores[seen].reshape(rows[:2]), skeleton,
                           _names(where, data), _text(data, 'skeleton'), USUAL)
    scores = scores_to_one(scores, where)
    common: Dict[str, Any] = dict(
        image_size=size,
        skeleton=joints,
        frame_ids=data.get('frame_ids'),
        times=data.get('times'),
        fps=choose_fps(where, data.get('fps')),
        source=where)
    mixtures = data.get('mixtures')
    if mixtures is not None and mixtures.ndim != keypoints.ndim + 1:
        raise ValueError(f'{where}: expected mixtures of {keypoints.ndim + 1} '
                         f'dimensions, found an array of shape '
                         f'{mixtures.shape}')
    if keypoints.ndim == 3:
        people: List[Optional[int]] = [None]
        keypoints, scores = keypoints[None], scores[None]
        mixtures = None if mixtures is None else mixtures[None]
    else:
        people = np.flatnonzero(scores.any((1, 2))).tolist()
        if mixtures is not None and len(mixtures) != len(keypoints):
            raise ValueError(f'{where}: expected mixtures of {len(keypoints)} '
                             f'people, found {len(mixtures)}')
    return [
        KeypointTrack(
            keypoints[person or 0],
            scores[person or 0],
            track_id=person,
            mixtures=None if mixtures is None else mixtures[person or 0],
            **common).dense() for person in people
    ]


def _keypoints_and_scores(where: str,
                          data: Arrays) -> Tuple[np.ndarray, np.ndarray]:
    """(..., F, J, 2) and (..., F, J)."""
    keypoints = data['keypoints']
    channels = (2, 3, 4, 5) if _landmarks(keypoints) else (2, 3)
    if keypoints.ndim not in (3, 4) or keypoints.shape[-1] not in channels:
        raise ValueError(f'{where}: expected keypoints of shape (frames, '
                         'joints, 2 or 3), or (people, frames, joints, 2 or 3)'
                         f', found {keypoints.shape}')
    keypoints = keypoints.astype(np.float64)
    scores = data.get('scores')
    if scores is None:
        scores = _own_scores(where, keypoints)
    if scores.shape == (*keypoints.shape[:-1], 1):
        scores = scores[..., 0]
    if scores.shape != keypoints.shape[:-1]:
        raise ValueError(f'{where}: expected scores of shape '
                         f'{keypoints.shape[:-1]}, found {scores.shape}')
    keypoints = keypoints[..., :2]
    if _frames_first(keypoints, scores, data):
        keypoints, scores = keypoints.swapaxes(0, 1), scores.swapaxes(0, 1)
        mixtures = data.get('mixtures')
        if mixtures is not None and mixtures.ndim > 1:
            data['mixtures'] = mixtures.swapaxes(0, 1)
        if len(keypoints) == 1:
            keypoints, scores = keypoints[0], scores[0]
            if mixtures is not None and mixtures.ndim > 1:
                data['mixtures'] = data['mixtures'][0]
    return keypoints, scores.astype(np.float64)


def _landmarks(keypoints: np.ndarray) -> bool:
    return keypoints.ndim > 1 and keypoints.shape[-2] == 33


def _own_scores(where: str, keypoints: np.ndarray) -> np.ndarray:
    """Scores among the channels, else ones."""
    channels = keypoints.shape[-1]
    if channels > 3:  # visibility, and the presence in the picture
        return keypoints[..., 3:].min(-1)
    if channels == 3:
        third = keypoints[..., 2]
        # MediaPipe's third number is depth where the fourth is left out.
        if not (_landmarks(keypoints) and np.nanmin(third) < 0):
            return third
    return no_scores(where, keypoints.shape[:-1])


def _frames_first(keypoints: np.ndarray, scores: np.ndarray,
                  data: Arrays) -> bool:
    """Whether (F, P, J, 2), people frame by frame, as lists of a detector's
    results become, rather than (P, F, J, 2)."""
    if keypoints.ndim != 4 or len(keypoints) < 2:
        return False
    ids = data.get('frame_ids')
    if ids is not None and keypoints.shape[0] != keypoints.shape[1]:
        return len(ids) == len(keypoints)
    seen = (scores > 0)[..., None]
    poses = np.where(seen, keypoints, np.nan)
    return _jumps(poses) <= MAX_JUMP < _jumps(poses.swapaxes(0, 1))


def _jumps(poses: np.ndarray) -> float:
    """How far people move from row to row, as a share of their size."""
    if len(poses) < 2:
        return np.inf
    with warnings.catch_warnings(), np.errstate(invalid='ignore'):
        warnings.simplefilter('ignore', RuntimeWarning)
        size = (np.nanmax(poses, 2) - np.nanmin(poses, 2)).max(-1)
        steps = np.linalg.norm(np.diff(poses, axis=0), axis=-1)
        moved = np.nanmean(steps, -1) / np.maximum(size[1:], 1e-9)
        share = float(np.nanmedian(moved))
    return share if np.isfinite(share) else np.inf


def _load(path: Path) -> Arrays:
    if path.suffix.lower() == '.npz' or is_archive(path):
        if {'positions_2d', 'metadata'} <= set(npz_names(path)):
            return _videopose3d(path)
        data: Arrays = read_npz(path)
    else:
        data = dict(keypoints=read_npy(path))
    if 'keypoints' not in data:
        found = [name for name in _ALIASES if name in data]
        name = found[0] if found else next(iter(data), '')
        if not found and len(data) != 1 or not data:
            raise ValueError(f"{path}: expected an array 'keypoints', found "
                             f'{sorted(data)}')
        data['keypoints'] = data.pop(name)
    for name in _NUMBERS:
        if name in data and data[name].dtype.kind not in 'fiu':
            raise ValueError(f'{path}: expected numbers as {name}, found '
                             f'{data[name].dtype}')
    return data


def _videopose3d(path: Path) -> Arrays:
    """The one track of a ``data_2d_custom_*.npz``.

    ``positions_2d`` is {video: {action: [(F, J, 2) of each camera]}}.
    """
    content = load_plain_npz(path)
    positions, meta = content['positions_2d'], content['metadata']
    tracks = []
    if isinstance(positions, dict):
        for video, actions in positions.items():
            items = actions.items() if isinstance(actions, dict) else ()
            tracks += [(video, f'{video}, {action}, {number}', array)
                       for action, arrays in items
                       for number, array in enumerate(arrays)]
    if not tracks or not isinstance(meta, dict):
        raise ValueError(f'{path}: expected positions_2d by video and action, '
                         f'and metadata, found {describe(positions)} and '
                         f'{describe(meta)}')
    if len(tracks) > 1:
        raise ValueError(f'{path}: expected one video, found '
                         f'{[name for _, name, _ in tracks][:5]}; write a '
                         'file of each')
    video, _, array = tracks[0]
    data: Arrays = dict(keypoints=np.asarray(array))
    if data['keypoints'].dtype.kind not in 'fiu':
        raise ValueError(f'{path}: expected numbers as keypoints of {video}')
    info = (meta.get('video_metadata') or {}).get(video) or {}
    if isinstance(info, dict) and {'w', 'h'} <= set(info):
        data['image_size'] = [info['w'], info['h']]
    if isinstance(info, dict) and info.get('fps'):
        data['fps'] = info['fps']
    if isinstance(meta.get('layout_name'), str):
        data['skeleton'] = meta['layout_name']
    return data


def _names(where: str, data: Arrays) -> Optional[List[str]]:
    for key in ('joints', 'keypoint_names'):
        if key in data:
            names = np.asarray(data[key])
            if names.dtype.kind not in 'US' or names.ndim != 1:
                raise ValueError(f'{where}: expected names as {key}, found '
                                 f'{names.dtype}')
            return [str(name) for name in names]
    return None


def _text(data: Arrays, name: str) -> Optional[str]:
    return str(data[name]) if name in data else None
