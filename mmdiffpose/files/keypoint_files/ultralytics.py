# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Ultralytics' results: JSON of ``to_json()``, and labels of ``save_txt``.

JSON of one frame, or a list (or an object by name) of such::

    [{"name": "person", "class": 0, "confidence": 0.9, "box": {...},
      "track_id": 1,
      "keypoints": {"x": [...], "y": [...], "visible": [...]}}, ...]

Labels are a folder ``labels`` with ``<video>_<frame>.txt``, a line a person::

    class  x y w h  x y score  x y score ...  [confidence]  [track id]

whose numbers are shares of the picture; in place of scores data sets have
COCO's flags 0, 1, 2. Frames without people have no file.
17 joints are COCO's.
"""

import re
from pathlib import Path
from typing import Any, List

import numpy as np

from mmdiffpose.files.person_selection import Frames, Person
from mmdiffpose.input_files import read_text
from mmdiffpose.structures.frame_numbers import frame_times, number_images
from .checks import describe, expect, expect_list, is_list, make_person
from .raw_clip import RawClip

USUAL = {17: 'coco'}
BOX = 5
"""Class and box of a label."""


def is_results(document: Any) -> bool:
    """Whether a document looks like ``to_json()``."""
    while isinstance(document, dict) and document and 'keypoints' not in \
            document:
        document = next(filter(_says_something, document.values()), None)
    for _ in range(2):
        if isinstance(document, list):
            document = next(filter(_says_something, document), None)
    points = document.get('keypoints') if isinstance(document, dict) else None
    return isinstance(points, dict) and is_list(points.get('x'))


def _says_something(value: Any) -> bool:
    return is_list(value) and len(value) > 0 or not is_list(value) and bool(
        value)


def parse(path: Path, document: Any) -> RawClip:
    """Read a document; arguments and errors as of the other formats."""
    where, times = str(path), None
    if isinstance(document, dict):
        numbers = number_images(where, list(document), True)
        times = frame_times(list(document))
        pages = {numbers[name]: page for name, page in document.items()}
    else:
        entries = expect_list(where, document, 'persons or frames')
        if all(isinstance(entry, dict) for entry in entries):
            pages = {0: entries}
        else:
            pages = dict(enumerate(entries))
    frames: Frames = {}
    for frame, page in pages.items():
        here = f'{where}, frame {frame}'
        frames[frame] = [
            _person(here, item) for item in expect_list(
                here, page if _says_something(page) else [], 'persons')
            if item and (not isinstance(item, dict)
                         or _says_something(item.get('keypoints')))
        ]
    return RawClip(where, frames, USUAL, times=times, may_be_shares=True)


def _person(where: str, item: Any) -> Person:
    points = expect(where, item, 'keypoints', 'each person')
    x, y = (
        expect_list(where, expect(where, points, key, 'keypoints'), key)
        for key in 'xy')
    if len(x) != len(y):
        raise ValueError(f'{where}: expected as many x as y, found {len(x)} '
                         f'and {len(y)}')
    return make_person(where, list(map(list, zip(x, y))),
                       points.get('visible'), item.get('track_id'))


def is_labels(files: List[Path]) -> bool:
    """Whether text files are labels with keypoints."""
    for file in files[:50]:
        with file.open('rb') as opened:
            words = opened.read(4000).split(b'\n')[0].split()
        if words:
            return len(words) > BOX + 6 and all(
                re.fullmatch(rb'-?\d*\.?\d+(e[+-]?\d+)?|nan', word)
                for word in words)
    return False


def parse_labels(folder: Path, files: List[Path]) -> RawClip:
    """Read a folder of labels.

    Args:
        folder (Path): For messages.
        files (list[Path]): Its text files.

    Raises:
        ValueError: If a line has no whole number of joints, or lines differ.
    """
    names = [file.name for file in files]
    numbers = number_images(str(folder), names)
    frames: Frames = {}
    for file in files:
        try:
            text = read_text(file, 'labels')
            rows = [[float(word) for word in line.split()]
                    for line in text.splitlines() if line.strip()]
        except ValueError as error:
            raise ValueError(f'{file}: expected numbers ({error})') from None
        frames[numbers[file.name]] = [_of_label(str(file), r) for r in rows]
    return RawClip(
        str(folder),
        frames,
        USUAL,
        times=frame_times(names),
        may_be_shares=True)


def _of_label(where: str, row: List[float]) -> Person:
    values = np.array(row[BOX:])
    # Joints are triples; a confidence, then an id, may follow.
    spare = len(values) % 3
    joints = values[:len(values) - spare].reshape(-1, 3)
    # Labels of data sets have COCO's flags instead of scores.
    flags = np.isin(joints[:, 2], (0, 1, 2)).all()
    if len(joints) < 2 or not flags and (joints[:, 2] > 1).any():
        raise ValueError(f'{where}: expected {BOX} numbers and x, y, score of '
                         f'each joint, found {describe(row)} of {len(row)}')
    last = values[-1] if spare == 2 else (
        values[-1] if spare == 1 and values[-1] >= 1
        and float(values[-1]).is_integer() else None)
    return make_person(where, joints.tolist(), None, last)
