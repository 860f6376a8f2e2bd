# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Whether the 2D keypoints of a data set are those of its 3D poses.

A lifter trains without complaint on 2D whose v points up, on shares of the
picture, or on a recording whose two clocks differ, and is wrong afterwards.
Where the camera is known, its projection of the 3D poses tells.
"""

import logging
from typing import (Callable, Dict, Iterator, NamedTuple, Optional, Sequence,
                    Set, Tuple)

import numpy as np
from mmengine.logging import print_log
from scipy.optimize import linear_sum_assignment

from ..annotation_files.camera_files import project_points
from .clock_check import WRONG, find_clock_shift
from .sequence import PoseSequence

SAMPLED_FRAMES = 40
"""Frames of a sequence that are compared, evenly spaced."""

MISFIT = 0.3
"""Median distance of 2D keypoints from the projected poses, as a share of the
person's size in the picture, from which they are said not to fit."""

OTHER_PEOPLE = 0.8
"""The same from which they belong to something else."""

FIT = 0.15
"""The same up to which a mistake explains the keypoints."""

NOTICED = 0.02, 2.
"""Share of the person's size, and pixels, below which nothing is looked
for."""

BETTER = 0.6
"""A mistake explains keypoints that are at most so far away, as a share of
the distance without it."""

MAX_SHIFT = 250
"""Frames by which two clocks are tried against each other."""

_said: Set[str] = set()


class Comparison(NamedTuple):
    """Some frames of a sequence.

    Attributes:
        projected: 3D poses as the camera sees them (F, J, 2), pixels.
        keypoints: 2D keypoints (F, J, 2), pixels.
        both: Joints known in 3D and seen in 2D (F, J), bool.
        size: Of the person in the picture, pixels: root mean squared distance
            of joints from their middle.
    """
    projected: np.ndarray
    keypoints: np.ndarray
    both: np.ndarray
    size: float

    def distance(self, keypoints: Optional[np.ndarray] = None) -> float:
        """Median distance from the projections, pixels."""
        points = self.keypoints if keypoints is None else keypoints
        apart = np.linalg.norm(points - self.projected, axis=-1)
        return float(np.median(apart[self.both]))


class Guess(NamedTuple):
    """What may be wrong.

    Attributes:
        text: In words.
        distance: Median distance in pixels, were it put right.
    """
    text: str
    distance: float


def compare(sequence: PoseSequence) -> Optional[Comparison]:
    """Project evenly spaced frames of a sequence.

    Returns:
        The comparison, or None where no frame has three joints that are both
        known and seen.
    """
    frames = _sampled_frames(sequence)
    if not len(frames):
        return None
    projected = project_points(sequence.keypoints_3d[frames],
                               sequence.camera_param)
    both = _comparable(sequence)[frames]
    middle = (projected * both[..., None]).sum(1) / both.sum(1)[:, None]
    square = ((projected - middle[:, None])**2).sum(-1)
    size = np.sqrt((square * both).sum(1) / both.sum(1))
    return Comparison(projected, sequence.keypoints_2d[frames], both,
                      max(float(np.median(size)), 1e-6))


def check_projections(sequences: Sequence[PoseSequence],
                      flip_indices: Optional[Sequence[int]] = None) -> None:
    """Raise where 2D keypoints do not belong to their 3D poses.

    Sequences whose camera's ``f`` and ``c`` are not known are left out, which
    is said once.

    Args:
        sequences: Of a data set, validated.
        flip_indices: Each joint's mirror image.

    Raises:
        ValueError: If the 2D keypoints of a sequence are not where its camera
            projects its poses; names the likeliest mistake.
    """
    known = [sequence for sequence in sequences if sequence.has_intrinsics]
    if len(known) < len(sequences):
        _say_once(
            f'{len(sequences) - len(known)} of {len(sequences)} sequences '
            f'(first: {_first_without(sequences)}) have no focal length f and '
            'principal point c in camera_param: whether their 2D keypoints '
            'belong to their 3D poses is not checked')
    doubtful = []
    for sequence in known:
        found = compare(sequence)
        if found is None:
            continue
        apart = found.distance()
        share = apart / found.size
        if share < NOTICED[0] or apart < NOTICED[1]:
            continue
        guess = guess_mistake(sequence, found, flip_indices)
        if guess is not None:
            raise ValueError(
                f'{_describe(sequence, apart, share)}: {guess.text}; then it '
                f'would be {guess.distance:.1f} px')
        if share > OTHER_PEOPLE:
            raise ValueError(
                f'{_describe(sequence, apart, share)}: none of the usual '
                'mistakes explains it; the camera may be that of another view '
                'or subject, the 3D poses in other axes than the camera\'s (x '
                'right, y down, z forward, metres), or the frames those of '
                'another clip')
        if share > MISFIT:
            doubtful.append((share, sequence.name))
    if doubtful:
        worst = ', '.join(f'{name} ({100 * share:.0f} %)'
                          for share, name in sorted(doubtful)[::-1][:3])
        _say_once(
            f'the 2D keypoints of {len(doubtful)} of {len(known)} sequences '
            'lie far from their projected 3D poses (median distance as a '
            f'share of the person\'s size): {worst}')
    shift = find_clock_shift(known)
    if shift is not None and shift.share < WRONG:
        raise ValueError(
            f'keypoints_2d do not belong to keypoints_3d: {shift}')
    if shift is not None:
        _say_once(str(shift))


def _describe(sequence: PoseSequence, apart: float, share: float) -> str:
    return (f'{sequence.name}: keypoints_2d do not belong to keypoints_3d: '
            f'their median distance from the projected 3D poses is '
            f'{apart:.1f} px, {100 * share:.0f} % of the person\'s size in '
            'the picture')


def guess_mistake(
        sequence: PoseSequence,
        found: Comparison,
        flip_indices: Optional[Sequence[int]] = None) -> Optional[Guess]:
    """The mistake that explains 2D keypoints best, if any does.

    Args:
        sequence: The sequence.
        found: Its comparison.
        flip_indices: Each joint's mirror image.
    """
    apart = found.distance()
    guesses = [
        Guess(text, found.distance(change(found.keypoints)))
        for text, change in _mistakes(sequence, found, flip_indices)
    ]
    if apart > MISFIT * found.size:
        guesses.append(_other_order(found))
    shifted = _shifted_clock(sequence, apart)
    if shifted is not None:
        guesses.append(shifted)
    least = min(guess.distance for guess in guesses)
    # Of several that are as good, the one that says most comes first.
    best = next(guess for guess in guesses
                if guess.distance <= 1.05 * least + 0.1)
    if best.distance < min(BETTER * apart, FIT * found.size):
        return best
    return None


_Change = Callable[[np.ndarray], np.ndarray]


def _mistakes(
        sequence: PoseSequence, found: Comparison,
        flip_indices: Optional[Sequence[int]]
) -> Iterator[Tuple[str, _Change]]:
    """Mistakes with what would put them right."""
    camera = sequence.camera_param
    w, h = float(camera['w']), float(camera['h'])
    size = np.array([w, h])
    for text, change in (
        ('v seems to point up (or y of the 3D poses does), expected v down '
         'from the upper edge', lambda p: p * [1, -1] + [0, h]),
        ('y of the 3D poses seems to point up, expected the camera\'s axes (x '
         'right, y down, z forward)',
         lambda p: p * [1, -1] + [0, 2 * float(np.ravel(camera['c'])[1])]),
        ('v seems to be negative, expected v down from the upper edge',
         lambda p: p * [1, -1]),
        ('u seems to point left, as in a mirrored picture',
         lambda p: p * [-1, 1] + [w, 0]),
        ('u and v seem to be exchanged', lambda p: p[..., ::-1]),
        ('the keypoints seem to be shares of the picture, expected pixels',
         lambda p: p * size),
        ('the keypoints seem to be shares of the picture\'s width, expected '
         'pixels', lambda p: p * w),
        ('the keypoints seem to be normalised to -1 to 1, expected pixels',
         lambda p: (p + 1) * size / 2),
        ('the keypoints seem to be screen-normalised, expected pixels',
         lambda p: (p + [1, h / w]) * w / 2),
        ('the keypoints seem to count from the middle of the picture, '
         'expected its upper left corner', lambda p: p + size / 2),
    ):
        yield text, change
    if flip_indices is not None:
        order = list(flip_indices)
        yield ('left and right of 2D and 3D seem to be exchanged',
               lambda p: p[:, order])
    scale = _scale(found)
    if abs(np.log(scale)) > 0.1:
        yield (f'the keypoints seem to be of pictures of {w / scale:.0f} x '
               f'{h / scale:.0f} px, but camera_param has w={w:.0f} and '
               f'h={h:.0f}; both must be of one size', lambda p: p * scale)


def _scale(found: Comparison) -> float:
    """The factor that brings keypoints closest to the projections."""
    true, seen = found.projected[found.both], found.keypoints[found.both]
    lengths = np.linalg.norm(seen, axis=-1)
    ratio = np.linalg.norm(true, axis=-1) / np.maximum(lengths, 1e-9)
    return float(np.clip(np.median(ratio), 1e-6, 1e6))


def _other_order(found: Comparison) -> Guess:
    """The joints in the order that fits best."""
    rows = found.both.all(axis=1)
    if not rows.any():
        return Guess('', np.inf)
    apart = np.median(
        np.linalg.norm(
            found.projected[rows][:, :, None] - found.keypoints[rows][:, None],
            axis=-1),
        axis=0)
    _, order = linear_sum_assignment(apart)
    return Guess(
        'the 2D joints seem to be in another order than the 3D joints: '
        f'keypoints_2d[:, {order.tolist()}] would be in theirs',
        found.distance(found.keypoints[:, order]))


def _shifted_clock(sequence: PoseSequence, apart: float) -> Optional[Guess]:
    """The shift in time that fits best."""
    frames = _sampled_frames(sequence)
    both = _comparable(sequence)
    projected = project_points(sequence.keypoints_3d[frames],
                               sequence.camera_param)
    known = sequence.known[frames]

    def distance(shift: int) -> float:
        used = (frames + shift >= 0) & (frames + shift < len(sequence))
        if used.sum() < min(10, len(frames)):
            return np.inf
        seen = sequence.scores[frames[used] + shift] > 0
        counted = known[used] & seen
        if not counted.any():
            return np.inf
        points = sequence.keypoints_2d[frames[used] + shift]
        gap = np.linalg.norm(points - projected[used], axis=-1)
        return float(np.median(gap[counted]))

    if not both.any():
        return None
    steps = np.unique(np.geomspace(1, MAX_SHIFT, 12).round().astype(int))
    tried = {int(s): distance(int(s)) for s in np.append(-steps, steps)}
    for start in sorted(tried, key=lambda shift: tried[shift])[:2]:
        if tried[start] < apart:
            _climb(start, tried, distance)
    best = min(tried, key=lambda shift: tried[shift])
    if best == 0 or not tried[best] < apart:
        return None
    return Guess(
        f'the 2D keypoints seem to be {abs(best)} frames '
        f'{"late" if best > 0 else "early"}, as of a shifted clock',
        tried[best])


def _climb(start: int, tried: Dict[int, float],
           distance: Callable[[int], float]) -> None:
    """Go from a shift to better ones, in ever smaller steps."""
    step = max(abs(start) // 8, 1)
    while step:
        for shift in (start - step, start + step):
            if shift not in tried:
                tried[shift] = distance(shift)
        best = min((start - step, start, start + step), key=tried.__getitem__)
        if best == start:
            step //= 2
        start = best


def _comparable(sequence: PoseSequence) -> np.ndarray:
    """Joints known in 3D and seen in 2D (F, J), bool."""
    return sequence.known & (sequence.scores > 0)


def _sampled_frames(sequence: PoseSequence) -> np.ndarray:
    """Evenly spaced frames with three comparable joints or more."""
    usable = np.flatnonzero(_comparable(sequence).sum(axis=1) >= 3)
    if len(usable) <= SAMPLED_FRAMES:
        return usable
    places = np.linspace(0, len(usable) - 1, SAMPLED_FRAMES)
    return usable[places.round().astype(int)]


def _first_without(sequences: Sequence[PoseSequence]) -> str:
    return next(s.name for s in sequences if not s.has_intrinsics)


def _say_once(text: str) -> None:
    if text not in _said:
        _said.add(text)
        print_log(text, logger='current', level=logging.WARNING)
