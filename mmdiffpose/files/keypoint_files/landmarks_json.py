# Copyright (c) mmdiffpose contributors. All rights reserved.
"""MediaPipe's pose landmarks, as those who call it write them into JSON.

A list of frames (or an object by frame) of which each is one of::

    [{"x": 0.5, "y": 0.4, "z": -0.1, "visibility": 0.99}, ... 33 of them]
    [[... 33 landmarks of a person ...], ...]
    {"pose_landmarks": either of these, "frame": 0, "timestamp_ms": 33}
    {"landmark": [...]}                     (the old solutions, as protobuf)
    null                                    (nobody)

x and y are shares of the picture; the score is the lesser of visibility and
presence. World landmarks are not read.
"""

from pathlib import Path
from typing import Any, Dict, List, Optional

from mmdiffpose.files.person_selection import Frames, Person
from mmdiffpose.structures.frame_numbers import number_images
from .checks import choose_fps, describe, expect, make_person, numbers, whole
from .raw_clip import RawClip

USUAL = {33: 'mediapipe'}
_KEYS = ('pose_landmarks', 'poseLandmarks', 'landmarks', 'landmark',
         'keypoints')
_FRAME_KEYS = ('frame_id', 'frame', 'frame_index', 'frame_number', 'frameId')
_TIME_KEYS = dict(timestamp_ms=1e-3, timestampMs=1e-3, time=1., timestamp=1.)
"""Key to seconds of its unit."""


def is_landmarks(document: Any) -> bool:
    """Whether a document looks like landmarks."""
    pages = _pages(document)
    for page in list(pages.values())[:200]:
        points = _points(page)
        if points:
            first = points[0]
            while isinstance(first, list) and first:
                first = first[0]
            return isinstance(first, dict) and {
                'x', 'y'
            } <= set(first) and 'keypoints' not in first and not isinstance(
                first['x'], list)
    return False


def parse(path: Path, document: Any) -> RawClip:
    """Read a document; arguments and errors as of the other formats."""
    where = str(path)
    meta: Dict[str, Any] = {}
    if isinstance(document, dict):
        meta = document
    pages = _pages(document)
    frames: Frames = {}
    times: Dict[int, float] = {}
    for number, page in pages.items():
        if isinstance(page, dict):
            key = next((k for k in _FRAME_KEYS if k in page), None)
            if key is not None:
                number = whole(where, page[key], 'frame id')
        if number in frames:
            raise ValueError(f'{where}: expected frame ids that differ, found '
                             f'{number} again')
        frames[number] = _people(f'{where}, frame {number}', _points(page))
        time = _time(where, page)
        if time is not None:
            times[number] = time
    size = [meta.get('width'), meta.get('height')]
    return RawClip(
        where,
        frames,
        USUAL,
        image_size=meta.get('image_size', None if None in size else size),
        fps=choose_fps(where, meta.get('fps')),
        times=times if len(times) == len(frames) else None,
        may_be_shares=True)


def _pages(document: Any) -> Dict[int, Any]:
    """What stands there of each frame."""
    if isinstance(document, dict):
        for key in ('frames', 'results', *_KEYS):
            if isinstance(document.get(key), list):
                return _pages(document[key])
        names = list(document)
        if not names or not all(
                isinstance(v, (list, dict, type(None)))
                for v in document.values()):
            return {}
        try:
            numbers_of = number_images('landmarks', names, True)
        except ValueError:
            return {}
        return {numbers_of[name]: page for name, page in document.items()}
    if not isinstance(document, list):
        return {}
    # A single frame: one person's landmarks.
    if document and isinstance(document[0], dict) and 'x' in document[0]:
        return {0: document}
    return dict(enumerate(document))


def _points(page: Any) -> List[Any]:
    """Landmarks of one or several people."""
    while isinstance(page, dict):
        key = next((k for k in _KEYS if k in page), None)
        if key is None:
            return []
        page = page[key]
    return page if isinstance(page, list) else []


def _people(where: str, points: List[Any]) -> List[Person]:
    if not points:
        return []
    if isinstance(points[0], dict) and 'x' in points[0]:
        points = [points]
    found = []
    for person in points:
        person = _points(person) if isinstance(person, dict) else person
        if not isinstance(person, list):
            raise ValueError(f'{where}: expected landmarks as a list, found '
                             f'{describe(person)}')
        if person:
            found.append(_person(where, person))
    return found


def _person(where: str, points: List[Any]) -> Person:
    rows = []
    for point in points:
        score: Any = 1.
        x, y = (expect(where, point, key, 'each landmark') for key in 'xy')
        given = [
            point[key] for key in ('visibility', 'presence', 'score')
            if point.get(key) is not None
        ]
        if given:
            score = min(numbers(where, given, 'visibility as a number'))
        rows.append([x, y, score])
    return make_person(where, rows)


def _time(where: str, page: Any) -> Optional[float]:
    if not isinstance(page, dict):
        return None
    for key, unit in _TIME_KEYS.items():
        if isinstance(page.get(key), (int, float)):
            return float(page[key]) * unit
    return None
