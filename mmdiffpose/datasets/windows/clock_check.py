# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Whether 2D keypoints and 3D poses were taken at the same moments.

A clock that is a few frames off moves keypoints by less than detectors err, so
that no single frame shows it; but over a clip the keypoints fit the poses of
other moments better. On mocap-mini, with its detector's 7 pixels of noise and
50 frames a second, the median distance at the right shift is 0.96 of that at
none for a clock that is 1 frame off, and 0.85, 0.77, 0.64 and 0.51 for 2, 3, 5
and 8 frames; the shift itself is found exactly for each clip.
"""

from typing import NamedTuple, Optional, Sequence

import numpy as np

from ..annotation_files.camera_files import project_points
from .sequence import PoseSequence

MOST = 12
"""Frames by which clocks are tried against each other, either way."""

WRONG, DOUBTFUL = 0.85, 0.97
"""Distance at the best shift as a share of that at none, below which a clock
is wrong, and below which that is said."""

WRONG_ALONE = 0.75
"""The same for a single clip."""

MAX_FRAMES, MAX_SEQUENCES = 200, 200
"""That are looked at, evenly spaced."""


class ClockShift(NamedTuple):
    """By how much two clocks seem to differ.

    Attributes:
        frames: By which 2D is late, negative where it is early.
        share: Median distance of keypoints from projected poses at that shift
            as a share of what it is at none.
        where: What was compared, for messages.
    """
    frames: int
    share: float
    where: str

    def __str__(self) -> str:
        late = 'late' if self.frames > 0 else 'early'
        count = abs(self.frames)
        return (f'{self.where}: the 2D keypoints seem to be {count} '
                f'frame{"s" if count > 1 else ""} {late}, as of a shifted '
                'clock: moved by as many they lie '
                f'{100 * (1 - self.share):.0f} % closer to the projected 3D '
                'poses')


def find_clock_shift(
        sequences: Sequence[PoseSequence]) -> Optional[ClockShift]:
    """The shift that all sequences have, or the first one that has its own.

    Args:
        sequences: Validated; those without ``f`` and ``c`` are left out.

    Returns:
        A shift whose share is below :data:`DOUBTFUL` for all sequences, or
        below :data:`WRONG_ALONE` for one; None where there is none.
    """
    known = [s for s in sequences if s.has_intrinsics]
    step = max(1, -(-len(known) // MAX_SEQUENCES))
    found = [(s, shift_curve(s)) for s in known[::step]]
    curves = [(s, curve) for s, curve in found if curve is not None]
    if not curves:
        return None
    for sequence, curve in curves:
        if curve.min() < WRONG_ALONE:
            return _best(curve, sequence.name)
    shift = _best(
        np.mean([curve for _, curve in curves], axis=0),
        f'{len(curves)} clips together')
    return shift if shift.frames and shift.share < DOUBTFUL else None


def _best(curve: np.ndarray, where: str) -> ClockShift:
    return ClockShift(int(curve.argmin()) - MOST, float(curve.min()), where)


def shift_curve(sequence: PoseSequence) -> Optional[np.ndarray]:
    """Median distances of 2D from projected 3D for each shift, without what
    all joints are off by in all frames.

    Args:
        sequence: Validated, with ``f`` and ``c``.

    Returns:
        (2 * MOST + 1, ), shifts -MOST to MOST, as shares of that at 0; None
        for a clip too short, or one of exact 2D.
    """
    inner = np.arange(MOST, len(sequence) - MOST)
    step = max(1, -(-len(inner) // MAX_FRAMES))
    frames = inner[::step]
    if len(frames) < MOST:
        return None
    projected = project_points(sequence.keypoints_3d[frames],
                               sequence.camera_param)
    distances = []
    for shift in range(-MOST, MOST + 1):
        rows = frames + shift
        both = sequence.known[frames] & (sequence.scores[rows] > 0)
        if not both.any():
            return None
        apart = sequence.keypoints_2d[rows] - projected
        # What is off by as much in all frames is off by no clock.
        apart = apart - np.median(apart[both], axis=0)
        distances.append(np.median(np.linalg.norm(apart, axis=-1)[both]))
    curve = np.array(distances)
    # Of exact keypoints nothing is left to compare with.
    return curve / curve[MOST] if curve[MOST] > 0.1 else None
