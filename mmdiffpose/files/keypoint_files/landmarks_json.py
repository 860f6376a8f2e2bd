# Copyright (c) mmdiffpose contributors. All rights reserved.
"""MediaPipe's pose landmarks, as those who call it write them into JSON.

A list of frames (or an object by frame) of which each is one of::

    [{"x": 0.5, "y": 0.4, "z": -0.1, "visibility": 0.99}, ... 33 of them]
    [[... 33 landmarks of a person ...], ...]
    {"pose_landmarks": either of these, "frame": 0, "timestamp_ms": 33}
    {"landmark": [...]}                     (the old solutions, as protobuf)
    [{"keypoints": [{"x": 640, "y": 400, "score": 0.9, "name": "nose"}, ...]}]
    [{"keypoints": [{"position": {"x": ...}, "part": "leftEye", ...}, ...]}]
    null                                    (nobody)

The last but one are those of TensorFlow.js: MoveNet and BlazePose, PoseNet.
x and y are shares of the picture or pixels; the score is the lesser of
visibility and presence. The joints are those that ``name`` or ``part`` names,
else they are MediaPipe's 33. World landmarks are refused.
"""

from pathlib import Path
from typing import Any, Dict, List, Optional

from mmdiffpose.files.person_selection import Frames, Person
from mmdiffpose.structures.frame_numbers import number_images
from .checks import (choose_fps, describe, expect, expect_list, is_list,
                     make_person, numbers, whole)
from .raw_clip import RawClip

USUAL = {33: 'mediapipe'}
_KEYS = ('pose_landmarks', 'poseLandmarks', 'landmarks', 'landmark',
         'keypoints')
_FRAME_KEYS = ('frame_id', 'frame', 'frame_index', 'frame_number', 'frameId')
_TIME_KEYS = dict(timestamp_ms=1e-3, timestampMs=1e-3, time=1., timestamp=1.)
"""Key to seconds of its unit."""


def is_landmarks(document: Any) -> bool:
    """Whether a document looks like landmarks."""
    for page in list(_pages(document).values())[:200]:
        point: Any = page
        while isinstance(point, (list, dict)) and point:
            if isinstance(point, list):
                point = point[0]
                continue
            key = next((k for k in _KEYS if k in point), None)
            if key is None:
                place = _place(point)
                return {'x', 'y'
                        } <= set(place) and not isinstance(place['x'], list)
            point = point[key]
    return False


def _place(point: Dict[str, Any]) -> Dict[str, Any]:
    """Where x and y of a landmark stand."""
    place = point.get('position')
    return place if isinstance(place, dict) else point


def parse(path: Path, document: Any) -> RawClip:
    """Read a document; arguments and errors as of the other formats."""
    where = str(path)
    meta: Dict[str, Any] = {}
    if isinstance(document, dict):
        meta = document
    pages = _pages(document)
    frames: Frames = {}
    times: Dict[int, float] = {}
    names: List[List[Any]] = []
    for number, page in pages.items():
        if isinstance(page, dict):
            key = next((k for k in _FRAME_KEYS if k in page), None)
            if key is not None:
                number = whole(where, page[key], 'frame id')
        if number in frames:
            raise ValueError(f'{where}: expected frame ids that differ, found '
                             f'{number} again')
        frames[number] = _people(f'{where}, frame {number}', _points(page),
                                 names)
        time = _time(where, page)
        if time is not None:
            times[number] = time
    size = [meta.get('width'), meta.get('height')]
    return RawClip(
        where,
        frames,
        USUAL,
        names=names[0] if names else None,
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
    if document and isinstance(document[0], dict) and 'x' in _place(
            document[0]):
        return {0: document}
    return dict(enumerate(document))


def _points(page: Any) -> List[Any]:
    """Landmarks of one or several people."""
    while isinstance(page, dict):
        key = next((k for k in _KEYS if k in page), None)
        if key is None:
            return []
        page = page[key]
    return expect_list('', page, '') if is_list(page) else []


def _people(where: str, points: List[Any],
            names: List[List[Any]]) -> List[Person]:
    """The people of a frame; ``names`` gets those of the first one's joints.
    """
    if not points:
        return []
    if isinstance(points[0], dict) and 'x' in _place(points[0]):
        points = [points]
    found = []
    for person in points:
        person = _points(person) if isinstance(person, dict) else person
        if not isinstance(person, list):
            raise ValueError(f'{where}: expected landmarks as a list, found '
                             f'{describe(person)}')
        if person:
            found.append(_person(where, person))
            _check_names(where, person, names)
    return found


def _check_names(where: str, points: List[Dict[str, Any]],
                 names: List[List[Any]]) -> None:
    """Note the first person's joints, to which the others' are compared."""
    given = [point.get('name', point.get('part')) for point in points]
    if any(name is None for name in given):
        return
    if not names:
        names.append(given)
    if given != names[0]:
        raise ValueError(f'{where}: expected the joints of the person before, '
                         f'{names[0][:5]}, ..., found {given[:5]}, ...')


def _person(where: str, points: List[Any]) -> Person:
    rows = []
    for point in points:
        score: Any = 1.
        place = _place(point) if isinstance(point, dict) else point
        x, y = (expect(where, place, key, 'each landmark') for key in 'xy')
        given = [
            point[key] for key in ('visibility', 'presence', 'score')
            if point.get(key) is not None
        ]
        if given:
            score = numbers(where, given, 'visibility as a number',
                            (len(given), )).min()
        rows.append([x, y, score])
    return make_person(where, rows)


def _time(where: str, page: Any) -> Optional[float]:
    if not isinstance(page, dict):
        return None
    for key, unit in _TIME_KEYS.items():
        if isinstance(page.get(key), (int, float)):
            return float(page[key]) * unit
    return None
