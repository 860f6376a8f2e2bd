# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Write how far joints are bent, as a table."""

import csv
from pathlib import Path
from typing import Iterator, List, Sequence, Tuple

import numpy as np

from mmdiffpose.atomic_files import replacing
from mmdiffpose.skeletons.joint_angles import angle_joints, joint_angles
from mmdiffpose.structures.lifted_track import LiftedTrack
from mmdiffpose.structures.people import person_numbers
from .result_options import ResultOptions

COLUMNS = ('frame', 'time', 'track', 'angle', 'degrees', 'std')


def write_angles(tracks: Sequence[LiftedTrack], stem: str,
                 options: ResultOptions) -> List[Path]:
    """Write ``<stem>_angles.csv``: a row is one angle of a person and frame.

    ``frame``, ``time`` and ``track`` are those of
    :func:`~mmdiffpose.files.result_csv.write_csv`; ``angle`` is a name of
    :data:`~mmdiffpose.skeletons.joint_angles.JOINT_ANGLES`, where 0 degrees
    are straight; ``degrees`` is empty where one of its joints was not seen;
    ``std`` is the spread of the angle over the hypotheses, degrees, empty
    where the model gives none.

    Args:
        tracks (sequence[LiftedTrack]): The people of one video.
        stem (str): Path of the file without ``_angles.csv``.
        options (ResultOptions): None is looked at.

    Returns:
        list[Path]: The file.

    Raises:
        ValueError: If the skeleton has joints for no angle.
    """
    path = Path(f'{stem}_angles.csv')
    rows = [
        row for number, track in zip(person_numbers(tracks), tracks)
        for row in _rows(track, number)
    ]
    with replacing(path) as part:
        with part.open('w', newline='', encoding='utf-8') as file:
            writer = csv.writer(file, lineterminator='\n')
            writer.writerow(COLUMNS)
            writer.writerows(rows)
    return [path]


def seen_angles(
        track: LiftedTrack) -> Tuple[List[str], np.ndarray, np.ndarray]:
    """Angles of a track whose joints were seen.

    Args:
        track (LiftedTrack): F frames.

    Returns:
        tuple[list[str], np.ndarray, np.ndarray]: Names of A angles, (F, A)
        degrees, NaN where one of the joints was not seen, and their std over
        the hypotheses, NaN there, too, and where the model gives none.
    """
    names, angles = joint_angles(track.keypoints_3d, track.skeleton)
    seen = (track.scores > 0) & (track.scores_2d > 0)
    joints = angle_joints(track.skeleton).values()
    angles[~np.stack([seen[:, four].all(1) for four in joints], 1)] = np.nan
    stds = np.full_like(angles, np.nan)
    if track.hypotheses is not None:
        stds = joint_angles(track.hypotheses, track.skeleton)[1].std(1)
        stds[np.isnan(angles)] = np.nan
    return names, angles, stds


def _rows(track: LiftedTrack, number: int) -> Iterator[List[object]]:
    names, angles, stds = seen_angles(track)
    seconds = track.seconds
    for row, frame in enumerate(track.frame_ids.tolist()):
        time = '' if seconds is None else f'{seconds[row]:.4f}'
        for column, name in enumerate(names):
            yield [
                frame, time, number, name,
                *('' if np.isnan(value) else f'{value:.2f}'
                  for value in (angles[row, column], stds[row, column]))
            ]
