# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Checks of all formats; errors say where, what was expected and found."""

import warnings
from typing import Any, List, Optional, Sequence, Tuple, Union

import numpy as np

from mmdiffpose.files.person_selection import Person
from mmdiffpose.input_files import numbers
from mmdiffpose.structures.seen_joints import mark_unseen

PACKED = ('keypoints', 'keypoint_scores', 'scores', 'joints', 'x', 'y',
          'visible', 'pose_keypoints_2d', 'face_keypoints_2d',
          'hand_left_keypoints_2d', 'hand_right_keypoints_2d')
"""Keys of most of the numbers of the formats in JSON; see
:func:`~mmdiffpose.input_files.read_json`."""


def describe(value: Any) -> str:
    """A value in a few words."""
    if isinstance(value, np.ndarray):
        return 'list'
    if isinstance(value, dict):
        return f'keys {sorted(map(str, value))}'
    if isinstance(value, (int, float, str)) and len(repr(value)) < 40:
        return repr(value)
    return type(value).__name__


def expect(where: str, mapping: Any, key: str, within: str) -> Any:
    """The value of a key that has to be there.

    Raises:
        ValueError: If it is not, or there are no keys.
    """
    if not isinstance(mapping, dict) or key not in mapping:
        raise ValueError(f"{where}: expected a key '{key}' in {within}, found "
                         f'{describe(mapping)}')
    return mapping[key]


def is_list(value: Any) -> bool:
    """Whether a list stands there, or an array of :data:`PACKED`."""
    return isinstance(value, (list, np.ndarray))


def expect_list(where: str, value: Any, name: str) -> List[Any]:
    """A value that has to be a list.

    Raises:
        ValueError: If it is something else.
    """
    if isinstance(value, np.ndarray):
        return value.tolist()
    if not isinstance(value, list):
        raise ValueError(
            f'{where}: expected {name} as a list, found {describe(value)}')
    return value


def whole(where: str, value: Any, name: str) -> int:
    """A number without fraction; lists of one (AlphaPose, OpenPose) too.

    Raises:
        ValueError: If it is something else.
    """
    found = value
    while isinstance(found, list) and len(found) == 1:
        found = found[0]
    try:
        number = int(found)
        if isinstance(found, bool) or number != float(found):
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f'{where}: expected a whole number as {name}, found '
                         f'{describe(value)}') from None
    return number


def track_id_of(where: str, value: Any) -> Optional[int]:
    """A person's id; None where a tool says that it has none.

    Tools write none as null, as an empty list, as NaN or as a negative
    number. AlphaPose leaves a list of several ids where it merged detections,
    which counts as an id if they agree.

    Raises:
        ValueError: If it is something else.
    """
    found = _flat(value)
    if not found or any(isinstance(f, float) and np.isnan(f) for f in found):
        return None
    ids = {whole(where, number, 'track id') for number in found}
    number = ids.pop()
    return None if ids or number < 0 else number


def _flat(value: Any) -> List[Any]:
    """Numbers of a list of lists; a number as a list; None as none."""
    waiting, found = [value], []
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting += part
        elif part is not None:
            found.append(part)
    return found


def make_person(where: str,
                joints: Any,
                scores: Any = None,
                track_id: Any = None) -> Person:
    """A person from a list of joints; null and NaN are joints not seen.

    Args:
        where (str): File and frame.
        joints: [[x, y], ...] or [[x, y, score], ...].
        scores: [score, ...]; else the joints' third numbers, else ones.
        track_id: Whatever stands there.

    Raises:
        ValueError: For other shapes.
    """
    if isinstance(joints, list) and None in joints:
        width = next((len(j) for j in joints if isinstance(j, list)), 2)
        joints = [[None] * width if j is None else j for j in joints]
    keypoints = numbers(where, joints, 'keypoints as a list of [x, y]')
    if keypoints.ndim != 2 or keypoints.shape[1] not in (2, 3):
        raise ValueError(f'{where}: expected keypoints of shape (joints, 2), '
                         f'found {keypoints.shape}')
    J = len(keypoints)
    if scores is None:
        scores = keypoints[:, 2] if keypoints.shape[1] == 3 else no_scores(
            where, J)
    scores = numbers(where, scores, 'keypoint scores as a list of numbers')
    scores = scores[:, 0] if scores.shape == (J, 1) else scores
    if scores.shape != (J, ):
        raise ValueError(f'{where}: expected {J} keypoint scores, found an '
                         f'array of shape {scores.shape}')
    seen = mark_unseen(keypoints[:, :2], scores)
    return Person(*seen, track_id_of(where, track_id))


def holds_nobody(item: Any) -> bool:
    """Whether null, an empty object or one without any keypoints stands where
    a person should."""
    return item in ({}, [], None) or (isinstance(item, dict)
                                      and 'keypoints' in item
                                      and no_joints(item['keypoints']))


def no_joints(value: Any) -> bool:
    """Whether null or an empty list stands where joints should."""
    return not isinstance(value, np.ndarray) and value in ([], None)


def triples(where: str, flat: Any) -> np.ndarray:
    """[x, y, score, x, y, score, ...] as (J, 3).

    Raises:
        ValueError: If it is not that.
    """
    values = numbers(where, flat, 'keypoints as numbers x, y, score, ...')
    if values.ndim != 1 or not len(values) or len(values) % 3:
        raise ValueError(
            f'{where}: expected keypoints as numbers x, y, score, x, y, score'
            f', ..., found an array of shape {values.shape}')
    return values.reshape(-1, 3)


def no_scores(where: str, shape: Union[int, Tuple[int, ...]]) -> np.ndarray:
    """Ones, with a warning."""
    file = where.split(', frame ')[0]
    warnings.warn(f'{file} has no keypoint scores: every joint counts as '
                  'surely seen')
    return np.ones(shape)


def choose_image_size(where: str, given: Optional[Sequence[int]],
                      stated: Any) -> Tuple[int, int]:
    """The size that the caller gave, else the file's.

    Raises:
        ValueError: If there is none, or it is not width and height.
    """
    size = given if given is not None else stated
    if size is None:
        raise ValueError(f"{where}: expected the image's size, found none; "
                         'give it as image_size=(width, height), on the '
                         'command line as --image-size WIDTH HEIGHT')
    values = numbers(where, size, 'an image size (width, height) in pixels')
    if values.shape != (2, ) or not (np.isfinite(values) & (values > 0)).all():
        raise ValueError(f'{where}: expected an image size (width, height) in '
                         f'pixels, found {size}')
    chosen = int(values[0]), int(values[1])
    if stated is not None and stated is not size:
        own = numbers(where, stated, 'an image size (width, height) in pixels')
        if own.shape != (2, ) or (own != values).any():
            warnings.warn(f'{where}: says its image size is {own.tolist()}; '
                          f'{list(chosen)} was asked for and is taken')
    return chosen


def choose_fps(where: str, stated: Any) -> Optional[float]:
    """Frames a second that a file states; 0 and nothing: not known.

    Raises:
        ValueError: If it is no such number.
    """
    if stated is None:
        return None
    fps = numbers(where, stated, 'fps as a number')
    if fps.ndim or not np.isfinite(fps) or fps < 0:
        raise ValueError(f'{where}: expected fps as a number above 0, found '
                         f'{describe(stated)}')
    return float(fps) or None
