# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Cameras drawn anew for each window of motion."""

from dataclasses import dataclass
from typing import NamedTuple, Tuple

import numpy as np

from .keyed_draws import KeyedDraws

Range = Tuple[float, float]

MIN_DEPTH = 1.
"""Metres that no joint comes nearer to the camera."""
_BASE = np.diag([1., -1., -1.]).astype(np.float32)
"""World axes (y up) to those of a camera that looks along -z, upright."""


@dataclass(frozen=True)
class CameraRanges:
    """The law of cameras. A range of two equal numbers fixes a value.

    Attributes:
        heading: Degrees about the vertical, uniform.
        pitch: Degrees that the camera looks down, uniform.
        roll_std: Degrees about the optical axis, normal.
        roll_mean: Their mean.
        distance: Metres from the camera to the person's middle, along the
            optical axis, log-uniform. Larger where a joint would come nearer
            than :data:`MIN_DEPTH`.
        person_share: Share of the picture that the person takes, the larger
            of width and height, uniform; the focal length follows. The low
            end rises where the focal length would be less than allowed, and
            the high end falls where the person walks, so that their way fits
            into the picture, to the low end at most.
        focal: Least and largest focal length, in longer sides of the
            picture: 0.5 is 90 degrees over the longer side. The person's
            share wins where both cannot be met.
        shapes: Width over height of the pictures, equally often.
        longer_side: Pixels, log-uniform.
        center_std: Std of the principal point's distance from the picture's
            middle, per axis, share of the longer side.
        cut_off: Share of windows in which the person is moved over an edge
            of the picture, by up to 40 % of their size.
        followed: Share of windows in which the camera goes along with the
            person: half to all of their mean horizontal velocity is taken
            out.
        focal_unknown: Share of windows in which the lifter is told a wrong
            focal length.
        focal_error: Std of the log of its error.
    """
    heading: Range = (0., 360.)
    pitch: Range = (-20., 50.)
    roll_std: float = 10.
    roll_mean: float = 0.
    distance: Range = (1.8, 15.)
    person_share: Range = (.2, .95)
    focal: Range = (.5, 10.)
    shapes: Tuple[float, ...] = (9 / 16, 3 / 4, 1., 4 / 3, 16 / 9)
    longer_side: Range = (480., 1920.)
    center_std: float = .01
    cut_off: float = .15
    followed: float = .3
    focal_unknown: float = .5
    focal_error: float = .2

    def __post_init__(self) -> None:
        for name in ('heading', 'pitch', 'distance', 'person_share', 'focal',
                     'longer_side'):
            low, high = getattr(self, name)
            if not low <= high:
                raise ValueError(f'{name}: expected (low, high), found '
                                 f'{(low, high)}')
        for name in ('distance', 'person_share', 'focal', 'longer_side'):
            if not getattr(self, name)[0] > 0:
                raise ValueError(f'{name}: expected positive values, found '
                                 f'{getattr(self, name)}')
        for name in ('cut_off', 'followed', 'focal_unknown'):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f'{name}: expected a share in [0, 1], found '
                                 f'{getattr(self, name)}')
        if not self.shapes or min(self.shapes) <= 0:
            raise ValueError('shapes: expected positive width / height, found '
                             f'{self.shapes}')


class Cameras(NamedTuple):
    """B cameras.

    Attributes:
        rotation: (B, 3, 3) world axes to camera axes.
        pitch: (B,) degrees.
        roll: (B,) degrees.
        distance: (B,) metres along the optical axis to the person's middle.
        focal: (B,) pixels, along both axes.
        assumed_focal: (B,) pixels, what the lifter is told.
        center: (B, 2) principal points in pixels.
        size: (B, 2) width and height of the pictures in pixels.
    """
    rotation: np.ndarray
    pitch: np.ndarray
    roll: np.ndarray
    distance: np.ndarray
    focal: np.ndarray
    assumed_focal: np.ndarray
    center: np.ndarray
    size: np.ndarray


CAMERA_WORDS = 20
"""Random numbers that a camera takes."""


def camera_rotation(heading: np.ndarray, pitch: np.ndarray,
                    roll: np.ndarray) -> np.ndarray:
    """Rotation from a y-up world to a camera's axes.

    Args:
        heading: (B,) degrees about the vertical; 0 looks along the world's
            -z axis, 90 along its -x axis.
        pitch: (B,) degrees that the camera looks down: the horizon is at
            ``y / z = -tan(pitch)`` in the middle of the picture.
        roll: (B,) degrees about the optical axis; the picture's content
            turns clockwise, from x to y.

    Returns:
        (B, 3, 3) float32, ``camera = rotation @ world``.
    """
    zero, one = np.zeros_like(heading), np.ones_like(heading)

    def matrix(*entries: np.ndarray) -> np.ndarray:
        return np.stack(entries, axis=-1).reshape(-1, 3, 3)

    h, p, r = (np.deg2rad(angle) for angle in (heading, pitch, roll))
    turn = matrix(
        np.cos(h), zero, -np.sin(h), zero, one, zero, np.sin(h), zero,
        np.cos(h))
    nod = matrix(one, zero, zero, zero, np.cos(p), -np.sin(p), zero, np.sin(p),
                 np.cos(p))
    tilt = matrix(
        np.cos(r), -np.sin(r), zero, np.sin(r), np.cos(r), zero, zero, zero,
        one)
    return (tilt @ nod @ _BASE @ turn).astype(np.float32)


def draw_cameras(draws: KeyedDraws, motion: np.ndarray,
                 ranges: CameraRanges) -> Tuple[Cameras, np.ndarray]:
    """A camera for each window.

    Args:
        draws: Source of randomness.
        motion: (B, T, J, 3) float32 world positions about the person's
            middle, metres, y up.
        ranges: The law.

    Returns:
        The cameras, and the joints (B, T, J, 3) in their axes, metres.
    """
    angles = [
        _between(ranges.heading, draws.uniform()),
        _between(ranges.pitch, draws.uniform()),
        ranges.roll_mean + ranges.roll_std * draws.normal()
    ]
    rotation = camera_rotation(*angles)
    shape = motion.shape
    points = _follow(draws, motion, ranges.followed).reshape(shape[0], -1, 3)
    points = (points @ np.swapaxes(rotation, 1, 2)).reshape(shape)

    distance = _log_between(ranges.distance, draws.uniform())
    high = fold_joints(np.maximum, points)
    low = fold_joints(np.minimum, points)
    nearest = low[..., 2].min(axis=1)
    distance = np.maximum(distance, MIN_DEPTH - nearest)

    size = _picture_sizes(draws, ranges)
    low, high = low[..., :2], high[..., :2]
    extent = (high - low).mean(axis=1) / distance[:, None]
    start, end = low.min(axis=1), high.max(axis=1)
    way = (end - start) / distance[:, None]
    focal = _focal(draws, ranges, extent, way, size)

    # Where the middle of the way lies, from the middle of the picture.
    free = np.maximum(size - focal[:, None] * way, 0)
    place = (draws.uniform(2) - np.float32(.5)) * free
    over = draws.uniform(2)
    push = (over[:, :1] < ranges.cut_off) * (
        free / 2 - np.abs(place) + .4 * over[:, 1:] * focal[:, None] * extent)
    axis = (draws.uniform() < .5).astype(int)
    push[np.arange(len(push)), axis] = 0
    place += np.where(place < 0, -push, push)
    center = size / 2 + ranges.center_std * size.max(
        axis=1, keepdims=True) * draws.normal(2)
    shift = (size / 2 + place - center) / focal[:, None] * distance[:, None]
    points[..., :2] += (shift - (start + end) / 2)[:, None, None]
    points[..., 2] += distance[:, None, None]

    wrong = draws.uniform() < ranges.focal_unknown
    assumed = focal * np.exp(wrong * ranges.focal_error * draws.normal())
    return Cameras(rotation, angles[1], angles[2], distance,
                   focal.astype(np.float32), assumed.astype(np.float32),
                   center.astype(np.float32), size.astype(np.float32)), points


def fold_joints(ufunc: np.ufunc, points: np.ndarray) -> np.ndarray:
    """Reduce (B, T, J, C) to (B, T, C), halves by halves.

    NumPy's own reduction of an axis that a short one follows goes along with
    two or three numbers at a time; this takes a tenth of the time.

    Args:
        ufunc: ``np.minimum`` or ``np.maximum``.
        points: The array.
    """
    joints = points.shape[2]
    while joints > 1:
        half = joints // 2
        folded = ufunc(points[:, :, :half], points[:, :, half:2 * half])
        if joints % 2:
            first = folded[:, :, :1]
            ufunc(first, points[:, :, -1:], out=first)
        points, joints = folded, half
    return points[:, :, 0]


def _between(limits: Range, share: np.ndarray) -> np.ndarray:
    return np.float32(limits[0]) + np.float32(limits[1] - limits[0]) * share


def _log_between(limits: Range, share: np.ndarray) -> np.ndarray:
    return np.exp(_between((np.log(limits[0]), np.log(limits[1])), share))


def _follow(draws: KeyedDraws, motion: np.ndarray,
            followed: float) -> np.ndarray:
    """Take out a part of the mean horizontal velocity."""
    chance, part = draws.uniform(), draws.uniform()
    part = (chance < followed) * (.5 + part / 2)
    frames = motion.shape[1]
    if frames < 2 or followed == 0:
        return motion
    way = motion[:, -1, 0] - motion[:, 0, 0]
    way = way * part[:, None] * np.array([1, 0, 1], np.float32)
    time = np.linspace(-.5, .5, frames, dtype=np.float32)
    return motion - (way[:, None] * time[:, None])[:, :, None]


def _picture_sizes(draws: KeyedDraws, ranges: CameraRanges) -> np.ndarray:
    shapes = np.array(ranges.shapes, np.float32)
    aspect = shapes[(draws.uniform() * len(shapes)).astype(int)]
    longer = _log_between(ranges.longer_side, draws.uniform())
    width = np.where(aspect >= 1, longer, longer * aspect)
    return np.stack([width, width / aspect], axis=-1).round()


def _focal(draws: KeyedDraws, ranges: CameraRanges, extent: np.ndarray,
           way: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Focal length that gives the person a share of the picture, (B,)."""
    least, most = ranges.person_share
    # Share of the picture at a focal length of one longer side.
    longer = size.max(axis=1)
    unit = (extent / size).max(axis=1) * longer
    low = np.clip(ranges.focal[0] * unit, least, most)
    fits = most * unit / ((way / size).max(axis=1) * longer)
    high = np.minimum(most, ranges.focal[1] * unit)
    high = np.maximum(np.minimum(high, fits), low)
    share = low + (high - low) * draws.uniform()
    return share / unit * longer
