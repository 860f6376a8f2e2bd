# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Sports2D's markers in pixels, ``<video>_Sports2D_px_person<number>.trc``.

Its folder has one such file per person, beside the same in metres, angles
and pictures; all of them are read. Markers have names; x and y are pixels of
the picture, y down, whatever the header says of units; a joint that was not
seen is blank. There are no scores: what has a place counts as surely seen.
``Time`` gives the seconds.
"""

import re
import warnings
from pathlib import Path
from typing import Dict, List, Tuple

import numpy as np

from mmdiffpose.files.person_selection import Frames
from mmdiffpose.trc_table import read_trc_table
from .checks import make_person
from .raw_clip import RawClip

_IN_PIXELS = re.compile(r'_px_person(\d+)', re.IGNORECASE)


def pixel_files(files: List[Path]) -> List[Path]:
    """The files in pixels among those of a folder."""
    return [file for file in files if _IN_PIXELS.search(file.stem)]


def parse(where: Path, files: List[Path]) -> RawClip:
    """Read one or several people's files.

    Args:
        where (Path): The file or folder, for messages.
        files (list[Path]): A file a person.

    Raises:
        ValueError: If one is no such file, or they are of several videos.
    """
    videos = sorted({_IN_PIXELS.sub('', file.stem) for file in files})
    if len(videos) > 1:
        raise ValueError(f'{where}: expected the people of one video, found '
                         f'those of {videos}')
    frames: Frames = {}
    times: Dict[int, float] = {}
    joints: List[str] = []
    for position, file in enumerate(files):
        names, numbers, seconds, points = _read(file)
        if joints and names != joints:
            raise ValueError(f'{file}: expected the markers of the other '
                             f'people, {joints}, found {names}')
        joints = names
        match = _IN_PIXELS.search(file.stem)
        person = int(match[1]) if match else position
        for number, second, xy in zip(numbers, seconds, points):
            scores = np.isfinite(xy).all(-1).astype(float)
            times[number] = second
            frames.setdefault(number, []).append(
                make_person(f'{file}, frame {number}', xy.tolist(),
                            scores.tolist(), person))
    warnings.warn(f'{where} has no keypoint scores: every joint with a place '
                  'counts as surely seen')
    return RawClip(str(where), frames, names=joints, times=times)


def _read(file: Path) -> Tuple[List[str], List[int], List[float], np.ndarray]:
    """Marker names, frames, seconds and x, y (F, J, 2)."""
    _, names, cells_of_rows = read_trc_table(file)
    if not _IN_PIXELS.search(file.stem):
        raise ValueError(f'{file}: expected markers in pixels, in a file '
                         'called ..._px_person....trc; markers in space are '
                         'no keypoints')
    numbers, seconds, rows = [], [], []
    for cells in cells_of_rows:
        try:
            numbers.append(int(float(cells[0])))
            seconds.append(float(cells[1]))
            rows.append([float(cell or 'nan') for cell in cells[2:]])
        except (ValueError, OverflowError) as error:
            raise ValueError(f'{file}: expected numbers in the row of frame '
                             f'{cells[0]} ({error})') from None
    if not rows or not names:
        raise ValueError(f'{file}: expected markers and frames, found '
                         f'{len(names)} and {len(rows)}')
    if len(set(numbers)) < len(numbers):
        raise ValueError(f'{file}: expected frames that differ, found one '
                         'twice')
    points = np.array(rows).reshape(len(rows), len(names), 3)[..., :2]
    return names, numbers, seconds, points
