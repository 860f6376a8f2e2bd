# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Image names of annotation files, which say whose frame a row is.

Human3.6M's pattern, as MMPose writes and parses it::

    S1_Directions_1.54138969_000001.jpg
    |  |            |        `- frame number
    |  |            `- camera
    |  `- clip: action, and the take where there are several
    `- subject

The subject holds no underscore, neither subject nor clip holds a dot, the
camera no underscore. A folder before the name is allowed and ignored; it may
be Windows' (``\\``).
"""

import re
from typing import Dict, Iterable, List, NamedTuple, Tuple

import numpy as np

_TRACK = re.compile(
    r'(?P<subject>[^_.]+)_(?P<clip>[^.]+)\.(?P<camera>[^_.]+)$')


class Track(NamedTuple):
    """One clip seen by one camera.

    Attributes:
        subject: For example ``'S1'``.
        clip: For example ``'Directions_1'``.
        camera: For example ``'54138969'``.
    """
    subject: str
    clip: str
    camera: str

    @property
    def action(self) -> str:
        """The clip without its take: ``'SittingDown_2'`` is
        ``'SittingDown'``, never ``'Sitting'``."""
        return self.clip.split('_', 1)[0]

    @property
    def stem(self) -> str:
        """What the names of the track's frames begin with."""
        return f'{self.subject}_{self.clip}.{self.camera}'


def image_names(track: Track, frame_numbers: Iterable[int]) -> List[str]:
    """Names of a track's frames, with the folders that MMPose uses.

    Args:
        track: Subject, clip and camera.
        frame_numbers: The frames' numbers in their video, from 1.

    Raises:
        ValueError: If a part of the track cannot stand in an image name.
    """
    stem = track.stem
    if parse_stem(stem) != track:
        raise ValueError(
            f'{track} cannot be written as an image name: expected a subject '
            'and a camera without "_" and ".", and a clip without "."')
    folder = f'{track.subject}/{stem}'
    return [f'{folder}/{stem}_{number:06d}.jpg' for number in frame_numbers]


def parse_stem(stem: str) -> Track:
    """Subject, clip and camera of ``S1_Directions_1.54138969``.

    Raises:
        ValueError: If the stem does not follow the pattern.
    """
    match = _TRACK.match(stem)
    if match is None:
        raise ValueError(
            f'image name "{stem}" does not follow the pattern '
            '<subject>_<clip>.<camera>_<frame number>.jpg, for example '
            'S1_Directions_1.54138969_000001.jpg')
    return Track(**match.groupdict())


def find_tracks(names: np.ndarray) -> List[Tuple[Track, slice]]:
    """Split rows into tracks.

    Args:
        names: Image names (N,), the rows of one track in one run.

    Returns:
        Each track with the slice of its rows, in row order.

    Raises:
        ValueError: If a name does not follow the pattern, or if the rows of
            a track do not stand together.
    """
    tracks: Dict[str, Tuple[Track, slice]] = {}
    current, start = None, 0
    for row, name in enumerate(names):
        stem = _file(name).rpartition('_')[0]
        if stem != current:
            if stem in tracks:
                raise ValueError(
                    f'rows of "{stem}" do not stand together: a second run '
                    f'starts at row {row}. Sort the rows by clip and frame')
            current, start = stem, row
            track = parse_stem(stem)
        tracks[stem] = (track, slice(start, row + 1))
    return list(tracks.values())


def _file(name: object) -> str:
    """A name without its folders."""
    return re.split(r'[/\\]', str(name))[-1]


def check_frames(names: np.ndarray, tracks: List[Tuple[Track, slice]]) -> int:
    """Raise unless the rows of each track are frames that follow each other.

    Windows are made of rows: where frames are missing or stand in another
    order, they would show motions that nobody made.

    Args:
        names: Image names (N,).
        tracks: From :func:`find_tracks`.

    Returns:
        Frames of the video from one row to the next, the same in all tracks:
        1, or n where every n-th frame was taken.

    Raises:
        ValueError: If a name has no number, or frames do not follow each
            other; names the clip and the rows.
    """
    steps: Dict[int, str] = {}
    for track, rows in tracks:
        numbers = []
        for row in range(rows.start, rows.stop):
            match = re.search(r'_(\d+)(?:\.\w+)?$', _file(names[row]))
            if match is None:
                raise ValueError(
                    f'row {row}: image name "{names[row]}" has no '
                    'frame number')
            numbers.append(int(match[1]))
        found = np.diff(numbers)
        if not len(found):
            continue
        step = int(np.median(found))
        bad = np.flatnonzero(found != max(step, 1))
        if len(bad):
            row = rows.start + int(bad[0])
            raise ValueError(
                f'clip "{track.stem}": expected frames that follow each other,'
                f' found frame {numbers[bad[0] + 1]} in row {row + 1} after '
                f'frame {numbers[bad[0]]} in row {row} ({len(bad)} such rows '
                'of the clip). Put the rows in order, and split clips where '
                'frames are missing')
        steps.setdefault(step, track.stem)
    if len(steps) > 1:
        raise ValueError('clips have different frame rates: from row to row '
                         f'it is {steps} frames')
    return next(iter(steps), 1)
