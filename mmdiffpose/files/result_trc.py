# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Write lifted tracks as marker files for OpenSim."""

import warnings
from pathlib import Path
from typing import Dict, Iterator, List, Sequence, Union

import numpy as np

from mmdiffpose.atomic_files import replacing
from mmdiffpose.structures.axes import to_axes
from mmdiffpose.structures.keypoint_track import DEFAULT_FPS, seconds_of
from mmdiffpose.structures.lifted_track import LiftedTrack
from mmdiffpose.structures.people import (ROWS_AT_ONCE, Lifted, as_list,
                                          by_person)
from .result_options import UNITS, UNSEEN, check_unseen


def write_trc(lifted: Lifted,
              stem: Union[str, Path],
              unit: str = 'mm',
              unseen: str = 'nan') -> List[Path]:
    """Write one TRC file per person, ``<stem>_person<number>.trc``.

    OpenSim's convention: y up, a marker per joint, named after it. Without
    root trajectories the pelvis stays over the origin; with them people stand
    as they do in the scene, as seen from the camera. Everybody is moved up or
    down by one amount, so that the lowest joint of all written touches the
    ground y = 0. ``Time`` counts from the video's start, and ``Frame#`` is the
    video's frame from 1 on, so that several people's files go together;
    frames in which the person was not there have no row, nor have those in
    which none of the joints was seen: OpenSim's inverse kinematics ends at
    such a row.

    The layout (tabs between all):

    .. code-block:: text

        PathFileType  4  (X/Y/Z)  NAME.trc
        DataRate  CameraRate  NumFrames  NumMarkers  Units  OrigDataRate ...
        30.00     30.00       100        17          mm     30.00 ...
        Frame#  Time  root            right_hip        ...
                      X1   Y1   Z1    X2   Y2   Z2     ...

        1       0.0   0.0  900. 0.0   ...

    Args:
        lifted (LiftedTrack | sequence[LiftedTrack]): The people.
        stem (str | Path): Path of the files without their ending.
        unit (str): ``'mm'`` or ``'m'``; the header says which. Defaults to
            ``'mm'``.
        unseen (str): What stands for a joint that was not seen: ``'nan'``,
            spelled NaN, which readers leave out frame by frame; ``'blank'``,
            empty fields, which OpenSim refuses at the end of a row and some
            readers skip; ``'estimate'``, where it was taken to be, as if it
            had been seen. Defaults to ``'nan'``.

    Returns:
        list[Path]: The files, by the people's numbers.

    Raises:
        ValueError: If there is no such unit, or nothing such for a joint that
            was not seen.
    """
    if unit not in UNITS:
        raise ValueError(f'unit: expected one of {sorted(UNITS)}, found '
                         f'{unit!r}')
    check_unseen(unseen)
    tracks = as_list(lifted)
    rate = known_rate(tracks, str(stem))
    people = by_person(tracks)
    markers = {
        number:
        np.concatenate(
            [_markers(piece, unseen != 'estimate') for piece in pieces])
        for number, pieces in people.items()
    }
    floor = min(np.nanmin(points[..., 1]) for points in markers.values())
    paths = []
    for number, pieces in people.items():
        path = Path(f'{stem}_person{number}.trc')
        points = (markers[number] - [0, floor, 0]) * UNITS[unit]
        frames = np.concatenate([piece.frame_ids for piece in pieces])
        seconds = np.concatenate([
            seconds_of(piece.frame_ids, piece.step, rate, piece.times)
            for piece in pieces
        ])
        there = np.isfinite(points).any((1, 2))
        frames, seconds, points = (
            values[there] for values in (frames, seconds, points))
        text = trc_text(path.name, pieces[0].skeleton.joints, frames, seconds,
                        points, rate, unit, unseen)
        with replacing(path) as part, part.open('w', encoding='utf-8') as file:
            file.writelines(text)
        paths.append(path)
    return paths


def known_rate(tracks: Sequence[LiftedTrack], stem: str) -> float:
    """Frames a second; where they are not known, the default, with a word."""
    rate = tracks[0].fps
    if rate is None:
        warnings.warn(f'{stem}: the frame rate is not known, times in TRC '
                      f'files are those of {DEFAULT_FPS:g} frames a second')
        return DEFAULT_FPS
    return rate


def _markers(track: LiftedTrack, seen_only: bool) -> np.ndarray:
    """Joints in the scene, (F, J, 3) metres, y up; NaN where not seen."""
    points = track.keypoints_3d.astype(float)
    if seen_only:
        points[track.scores_2d == 0] = np.nan
    if track.root_trajectory is not None:
        points = points + track.root_trajectory[:, None]
    return to_axes(points, 'y-up')


def trc_text(name: str, markers: Sequence[str], frames: Sequence[int],
             seconds: np.ndarray, points: np.ndarray, rate: float, unit: str,
             unseen: str) -> Iterator[str]:
    """A TRC file's content, in pieces.

    Args:
        name (str): The file's.
        markers (sequence[str]): Names of M markers.
        frames (sequence[int]): (F, ) frames of the video, from 0 on.
        seconds (np.ndarray): (F, ).
        points (np.ndarray): (F, M, 3), in the unit; NaN for what is missing.
        rate (float): Frames a second.
        unit (str): One of :data:`~.result_options.UNITS`.
        unseen (str): One of :data:`~.result_options.UNSEEN`.
    """
    yield _header(name, markers, frames, rate, unit)
    for start in range(0, len(frames), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        yield _body(frames[rows], seconds[rows], points[rows], unit, unseen)


def _header(name: str, joints: Sequence[str], frames: Sequence[int],
            rate: float, unit: str) -> str:
    fields: Dict[str, object] = dict(
        DataRate=f'{rate:.2f}',
        CameraRate=f'{rate:.2f}',
        NumFrames=len(frames),
        NumMarkers=len(joints),
        Units=unit,
        OrigDataRate=f'{rate:.2f}',
        OrigDataStartFrame=int(frames[0]) + 1,
        OrigNumFrames=len(frames))
    axes = (f'{axis}{number}' for number in range(1,
                                                  len(joints) + 1)
            for axis in 'XYZ')
    lines = [
        ['PathFileType', '4', '(X/Y/Z)', name],
        fields.keys(),
        map(str, fields.values()),
        # A marker's name stands over its x; y and z have empty fields.
        ['Frame#', 'Time', '\t\t\t'.join(joints) + '\t\t'],
        ['', '', *axes],
    ]
    return '\n'.join('\t'.join(line) for line in lines) + '\n\n'


def _body(frames: Sequence[int], seconds: np.ndarray, points: np.ndarray,
          unit: str, unseen: str) -> str:
    digits = 2 if unit == 'mm' else 5
    texts = np.char.mod(f'%.{digits}f', np.round(points, digits) + 0.)
    texts[np.isnan(points)] = UNSEEN[unseen]
    return ''.join('\t'.join([str(frame + 1), f'{second:.6f}', *row.ravel()]) +
                   '\n' for frame, second, row in zip(
                       np.asarray(frames).tolist(), seconds, texts))
