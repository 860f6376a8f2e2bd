# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What all formats check; each error says where, what it wanted and got."""

import re
import warnings
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np

from mmdiffpose.files.person_selection import Person
from mmdiffpose.skeletons import SKELETONS, Skeleton, get_skeleton
from mmdiffpose.structures.keypoint_track import KeypointTrack


def describe(value: Any) -> str:
    """A value in a few words."""
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


def expect_list(where: str, value: Any, name: str) -> List[Any]:
    """A value that has to be a list.

    Raises:
        ValueError: If it is something else.
    """
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


def file_number(name: str) -> Optional[int]:
    """The last number in a file's name without its suffix."""
    numbers = re.findall(r'\d+', Path(name).stem)
    return int(numbers[-1]) if numbers else None


def choose_skeleton(where: str, asked: Optional[str], stated: Any,
                    count: Optional[int], by_count: Mapping[int,
                                                            str]) -> Skeleton:
    """The joint set asked for, else the file's, else by number of joints.

    Args:
        where (str): The file.
        asked (str, optional): Name that the caller gave.
        stated: Name that the file gives, if it does.
        count (int, optional): Joints per person; None if there is nobody.
        by_count (Mapping[int, str]): What the format's writers use.

    Raises:
        ValueError: If the name is unknown or the number means nothing.
    """
    name = asked if asked is not None else stated
    if name is None and count is None:
        name = next(iter(by_count.values()))
    if name is None:
        if count not in by_count:
            raise ValueError(
                f'{where}: expected {sorted(by_count)} joints, found {count}'
                f'{name_it(count)}')
        name = by_count[count]
    try:
        return get_skeleton(name)
    except (TypeError, ValueError) as error:
        raise ValueError(f'{where}: {error}') from None


def name_it(count: int) -> str:
    """How to go on with a number of joints that was not expected."""
    names = sorted(n for n, s in SKELETONS.items() if s.num_joints == count)
    if not names:
        known = {n: s.num_joints for n, s in sorted(SKELETONS.items())}
        return f', which no known joint set has: {known}'
    return (f"; if they are of one of {names}, say so: skeleton='{names[0]}', "
            f'on the command line --skeleton {names[0]}')


def make_person(where: str,
                joints: Any,
                skeleton: Skeleton,
                scores: Any = None,
                track_id: Any = None) -> Person:
    """A person from a list of joints.

    Args:
        where (str): File and frame.
        joints: [[x, y], ...] or [[x, y, score], ...], pixels.
        skeleton (Skeleton): J joints.
        scores: [score, ...]; else the joints' third numbers, else ones.
        track_id: Whole, or None.

    Raises:
        ValueError: For other shapes, and values that are not finite of a
            joint that was seen.
    """
    keypoints = _array(where, joints, 'keypoints as a list of [x, y]')
    J = skeleton.num_joints
    if keypoints.ndim != 2 or keypoints.shape[1] not in (2, 3):
        raise ValueError(f'{where}: expected keypoints of shape ({J}, 2), '
                         f'found {keypoints.shape}')
    if len(keypoints) != J:
        raise ValueError(f'{where}: expected {J} joints (skeleton '
                         f'{skeleton.name}), found {len(keypoints)}'
                         f'{name_it(len(keypoints))}')
    if scores is None:
        scores = keypoints[:, 2] if keypoints.shape[1] == 3 else no_scores(
            where, J)
    scores = _array(where, scores, 'keypoint scores as a list of numbers')
    if scores.shape != (J, ):
        raise ValueError(f'{where}: expected {J} keypoint scores, found an '
                         f'array of shape {scores.shape}')
    _check_finite(where, np.c_[keypoints[:, :2], scores], skeleton)
    if track_id is not None:
        track_id = whole(where, track_id, 'track id')
    return Person(keypoints[:, :2], scores, track_id)


def triples(where: str, flat: Any) -> np.ndarray:
    """[x, y, score, x, y, score, ...] as (J, 3).

    Raises:
        ValueError: If it is not that.
    """
    values = _array(where, flat, 'keypoints as numbers x, y, score, ...')
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
    values = _array(where, size, 'an image size (width, height) in pixels')
    if values.shape != (2, ) or not (np.isfinite(values) & (values > 0)).all():
        raise ValueError(f'{where}: expected an image size (width, height) in '
                         f'pixels, found {size}')
    return int(values[0]), int(values[1])


def choose_fps(where: str, stated: Any) -> Optional[float]:
    """Frames a second that a file states; 0 and nothing: not known.

    Raises:
        ValueError: If it is no such number.
    """
    if stated is None:
        return None
    fps = _array(where, stated, 'fps as a number')
    if fps.ndim or not np.isfinite(fps) or fps < 0:
        raise ValueError(f'{where}: expected fps as a number above 0, found '
                         f'{describe(stated)}')
    return float(fps) or None


def _array(where: str, values: Any, expected: str) -> np.ndarray:
    try:
        return np.array(values, np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f'{where}: expected {expected}, found lists of '
                         'different lengths or other values') from None


def _check_finite(where: str, values: np.ndarray, skeleton: Skeleton) -> None:
    """Coordinates of a joint that was not seen are no matter."""
    values = np.where(values[:, 2:] == 0, 0, values)
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        joint, column = bad[0]
        raise ValueError(f'{where}: expected finite numbers, found '
                         f'{values[joint, column]} as '
                         f'{("x", "y", "score")[column]} of joint '
                         f'{skeleton.joints[joint]}')


def check_pixels(track: KeypointTrack) -> KeypointTrack:
    """The track, if its coordinates may be pixels.

    Tools can write shares of the picture (OpenPose's ``--keypoint_scale``),
    of which a lifter would make a wrong pose.

    Raises:
        ValueError: If all lie between -1 and 1.
    """
    seen = track.keypoints[track.scores > 0]
    if np.abs(seen).max() <= 1 and max(track.image_size) > 2:
        raise ValueError(
            f'{track.source}: expected keypoints in pixels, found all between '
            f'{seen.min():.3g} and {seen.max():.3g}, as shares of the picture')
    return track


def number_images(where: str, names: Sequence[Any]) -> Dict[Any, int]:
    """Frame ids of images from their names.

    The last number in each name, where all have one and no two the same;
    else their places in order of their names.

    Args:
        where (str): The file.
        names (Sequence[str]): Names, all different.

    Raises:
        ValueError: If a name is not text.
    """
    for name in names:
        if not isinstance(name, str):
            raise ValueError(f"{where}: expected an image's name, found "
                             f'{describe(name)}')
    numbers = [file_number(name) for name in names]
    if None in numbers or len(set(numbers)) < len(numbers):
        return {name: place for place, name in enumerate(sorted(names))}
    return dict(zip(names, numbers))
