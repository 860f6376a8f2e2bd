# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Write lifted tracks as a table."""

import csv
from pathlib import Path
from typing import Iterator, List, Union

import numpy as np

from mmdiffpose.atomic_files import replacing
from mmdiffpose.structures.lifted_track import LiftedTrack
from mmdiffpose.structures.people import (ROWS_AT_ONCE, Lifted, as_list,
                                          person_numbers)

COLUMNS = ('frame', 'time', 'track', 'joint', 'x', 'y', 'z', 'std', 'score',
           'u', 'v')
ROOT_COLUMNS = ('root_x', 'root_y', 'root_z')


def write_csv(lifted: Lifted, path: Union[str, Path], axes: str) -> Path:
    """Write a tidy table: a row is one joint of one person in one frame.

    ``frame`` is the frame's number in the video, ``time`` seconds (empty
    where the frame rate is unknown), ``track`` the person, ``joint`` its
    name; ``x, y, z`` metres relative to the root joint, ``std`` metres per
    axis (empty where the model gives none), ``score`` in [0, 1]; ``u, v``
    the 2D joint in pixels, empty where it was not seen. Where root
    trajectories were solved, ``root_x, root_y, root_z`` follow, metres: the
    joint's place in the scene is their sum with ``x, y, z``.

    Args:
        lifted (LiftedTrack | sequence[LiftedTrack]): The people.
        path (str | Path): The file.
        axes (str): See :data:`~mmdiffpose.structures.axes.AXES_NAMES`.

    Returns:
        Path: The file.
    """
    tracks = as_list(lifted)
    rooted = any(track.root_trajectory is not None for track in tracks)
    with replacing(path) as part:
        with part.open('w', newline='', encoding='utf-8') as file:
            writer = csv.writer(file, lineterminator='\n')
            writer.writerow(COLUMNS + (ROOT_COLUMNS if rooted else ()))
            for number, track in zip(person_numbers(tracks), tracks):
                for start in range(0, len(track), ROWS_AT_ONCE):
                    piece = track.part(start, start + ROWS_AT_ONCE)
                    writer.writerows(
                        _rows(piece.in_axes(axes), number, rooted))
    return Path(path)


def _rows(track: LiftedTrack, number: int,
          rooted: bool) -> Iterator[List[object]]:
    poses = _texts(track.keypoints_3d, 4)
    stds = None if track.std is None else _texts(track.std, 4)
    scores = _texts(track.scores, 3)
    pixels = _texts(track.keypoints_2d, 1)
    roots = None
    if track.root_trajectory is not None:
        roots = _texts(track.root_trajectory, 4)
    seconds = track.seconds
    for row, frame in enumerate(track.frame_ids.tolist()):
        time = '' if seconds is None else f'{seconds[row]:.4f}'
        tail: List[object] = []
        if rooted:
            tail = [''] * 3 if roots is None else list(roots[row])
        for j, joint in enumerate(track.skeleton.joints):
            seen = track.scores_2d[row, j] > 0
            yield [
                frame, time, number, joint, *poses[row, j],
                '' if stds is None else stds[row, j], scores[row, j],
                *(pixels[row, j] if seen else ('', '')), *tail
            ]


def _texts(values: np.ndarray, digits: int) -> np.ndarray:
    """Numbers as texts, all at once: much faster than one by one."""
    # Adding 0 makes -0 a 0.
    rounded = np.round(values.astype(float), digits) + 0.
    return np.char.mod(f'%.{digits}f', rounded)
