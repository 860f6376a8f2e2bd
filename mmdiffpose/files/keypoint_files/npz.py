# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Arrays in an npz file.

``keypoints`` (F, J, 2) or (F, J, 3), of several people (P, F, J, 2 or 3), in
pixels; optionally ``scores`` (..., F, J), ``mixtures`` (..., F, J, M, 5),
``image_size`` (2, ), ``fps``, ``skeleton`` and ``frame_ids`` (F, ).
``tools/dataset_converters/heatmap_mixtures.py`` writes such files.
"""

import zipfile
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

import numpy as np

from mmdiffpose.structures.keypoint_track import KeypointTrack
from .checks import (check_pixels, choose_fps, choose_image_size,
                     choose_skeleton, name_it, no_scores)

_NUMBERS = ('keypoints', 'scores', 'mixtures', 'frame_ids')


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
    keypoints = data['keypoints']
    if keypoints.ndim not in (3, 4) or keypoints.shape[-1] not in (2, 3):
        raise ValueError(f'{where}: expected keypoints of shape (frames, '
                         'joints, 2 or 3), or (people, frames, joints, 2 or 3)'
                         f', found {keypoints.shape}')
    scores = data.get('scores')
    if scores is None:
        scores = keypoints[..., 2] if keypoints.shape[-1] == 3 else no_scores(
            where, keypoints.shape[:-1])
    if scores.shape != keypoints.shape[:-1]:
        raise ValueError(f'{where}: expected scores of shape '
                         f'{keypoints.shape[:-1]}, found {scores.shape}')
    joints = choose_skeleton(where, skeleton,
                             _text(data, 'skeleton') or 'coco', None, {})
    if keypoints.shape[-2] != joints.num_joints:
        raise ValueError(
            f'{where}: expected {joints.num_joints} joints (skeleton '
            f'{joints.name}), found {keypoints.shape[-2]}'
            f'{name_it(keypoints.shape[-2])}')
    common: Dict[str, Any] = dict(
        image_size=choose_image_size(where, image_size,
                                     data.get('image_size')),
        skeleton=joints,
        frame_ids=data.get('frame_ids'),
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
        seen = (scores > 0).any((1, 2))
        people = np.flatnonzero(seen).tolist()
        if mixtures is not None and len(mixtures) != len(keypoints):
            raise ValueError(f'{where}: expected mixtures of {len(keypoints)} '
                             f'people, found {len(mixtures)}')
    tracks = [
        KeypointTrack(
            keypoints[person or 0, ..., :2],
            scores[person or 0],
            track_id=person,
            mixtures=None if mixtures is None else mixtures[person or 0],
            **common) for person in people
    ]
    if not tracks:
        raise ValueError(f'{where}: no joint of any person was seen (all '
                         'scores are 0), there is nothing to lift')
    return [check_pixels(track).dense() for track in tracks]


def _load(path: Path) -> Dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as file:
            data = dict(file)
    except (OSError, ValueError, TypeError, EOFError,
            zipfile.BadZipFile) as error:
        raise ValueError(
            f'{path}: not a readable npz file ({error})') from error
    if 'keypoints' not in data:
        raise ValueError(f"{path}: expected an array 'keypoints', found "
                         f'{sorted(data)}')
    for name in _NUMBERS:
        if name in data and data[name].dtype.kind not in 'fiu':
            raise ValueError(f'{path}: expected numbers as {name}, found '
                             f'{data[name].dtype}')
    return data


def _text(data: Dict[str, np.ndarray], name: str) -> Optional[str]:
    return str(data[name]) if name in data else None
