# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Cut a clip into overlapping windows and blend what a model makes of them."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import Optional

import numpy as np


def window_weights(length: int) -> np.ndarray:
    """How much each position in a window is trusted, (length, ).

    A Hann bump: least where a frame has hardly any past or future in the
    window, and never zero, so that it can be normalised anywhere.
    """
    position = (np.arange(length) + 0.5) / length
    return np.sin(np.pi * position)**2


@dataclass(frozen=True)
class WindowPlan:
    """Where the windows of a clip lie and how their results are put together.

    Attributes:
        num_frames: Frames F of the clip.
        length: Frames T of a window.
        starts: (W, ) first frame of each window; negative where a clip
            shorter than a window is padded at both ends.
        weights: (W, T) blending weights; over all windows they sum to 1 for
            each frame of the clip, and are 0 for padding.
    """
    num_frames: int
    length: int
    starts: np.ndarray
    weights: np.ndarray

    @property
    def poses(self) -> int:
        """Poses that a model says of a window."""
        return self.length

    @property
    def positions(self) -> np.ndarray:
        """(W, T) frame of each window position, outside of the clip too."""
        return self.starts[:, None] + np.arange(self.length)

    @property
    def frames(self) -> np.ndarray:
        """(W, T) frame to read at each position: padding repeats the ends."""
        return self.positions.clip(0, self.num_frames - 1)

    @property
    def valid(self) -> np.ndarray:
        """(W, T) bool, False for padding."""
        return (self.positions >= 0) & (self.positions < self.num_frames)

    @cached_property
    def chosen(self) -> np.ndarray:
        """(W, T) bool, the position that says a frame's result where only one
        may: that nearest to the middle of its window."""
        best = np.zeros(self.num_frames)
        window = np.zeros(self.num_frames, int)
        # Weights grow towards a window's middle, so the largest is nearest.
        for index, (frames,
                    weights) in enumerate(zip(self.frames, self.weights)):
            better = weights > best[frames]
            best[frames[better]] = weights[better]
            window[frames[better]] = index
        own = np.arange(len(self.starts))[:, None]
        return self.valid & (window[self.frames] == own)

    def blending(self) -> 'JoinedWindows':
        """Takes the windows' results one by one: their weighted mean."""
        return _Blended(self)

    def picking(self) -> 'JoinedWindows':
        """The same: each frame's result from the window whose middle is
        nearest."""
        return _Picked(self)


class JoinedWindows(ABC):
    """Results of a clip's windows, put together as they come.

    What is held is one result per frame, in one piece of memory, so that the
    windows themselves can be let go.

    Args:
        plan (WindowPlan): F frames, windows of T.
    """

    def __init__(self, plan: WindowPlan) -> None:
        self._plan = plan
        self._number = 0
        self._frames: Optional[np.ndarray] = None

    def add(self, values: np.ndarray) -> None:
        """Take in the next window, in the plan's order.

        Args:
            values (np.ndarray): One result per position, (T, ...).
        """
        if self._frames is None:
            self._frames = np.zeros((self._plan.num_frames, *values.shape[1:]),
                                    values.dtype)
        self._join(self._frames, self._number, values)
        self._number += 1

    def per_frame(self) -> np.ndarray:
        """One result per frame, (F, ...), of the windows' type.

        Raises:
            ValueError: If not all windows were added.
        """
        if self._frames is None or self._number != len(self._plan.starts):
            raise ValueError(f'expected {len(self._plan.starts)} windows, '
                             f'found {self._number}')
        return self._frames

    @abstractmethod
    def _join(self, frames: np.ndarray, number: int,
              values: np.ndarray) -> None:
        """Put window ``number`` into the result."""


class _Blended(JoinedWindows):
    """The weighted mean; sums are of doubles, of one window's frames."""

    _sums: np.ndarray
    _first: int

    def _join(self, frames: np.ndarray, number: int,
              values: np.ndarray) -> None:
        start = int(self._plan.starts[number])
        if not number:
            self._sums, self._first = np.zeros(values.shape), start
        self._move_to(frames, start)
        weights = self._plan.weights[number]
        self._sums += values * weights.reshape(-1, *[1] * (values.ndim - 1))
        if number == len(self._plan.starts) - 1:
            self._move_to(frames, start + len(self._sums))

    def _move_to(self, frames: np.ndarray, start: int) -> None:
        """Frames before a window's first have all their windows."""
        done = min(start - self._first, len(self._sums))
        if not done:
            return
        # Positions before and after the clip are padding.
        low = max(self._first, 0)
        high = min(self._first + done, len(frames))
        frames[low:high] = self._sums[low - self._first:high - self._first]
        self._sums[:-done or None] = self._sums[done:].copy()
        self._sums[len(self._sums) - done:] = 0
        self._first = start


class _Picked(JoinedWindows):
    """Each frame's result from the window in whose middle it is nearest."""

    def _join(self, frames: np.ndarray, number: int,
              values: np.ndarray) -> None:
        rows = self._plan.chosen[number]
        frames[self._plan.frames[number][rows]] = values[rows]


class _OneEach(JoinedWindows):
    """Windows that say one frame's result, in order."""

    def _join(self, frames: np.ndarray, number: int,
              values: np.ndarray) -> None:
        frames[number] = values[0]


def plan_windows(num_frames: int, length: int, overlap: int) -> WindowPlan:
    """Spread windows evenly over a clip.

    Every frame gets the past and future that the clip has: no window is
    padded unless the clip is shorter than one; then the clip stands in the
    middle and its end frames are repeated.

    Args:
        num_frames (int): Frames F of the clip.
        length (int): Frames T of a window.
        overlap (int): Frames that neighbouring windows share at least.

    Returns:
        WindowPlan: The fewest windows that cover the clip.

    Raises:
        ValueError: If there are no frames, or the overlap leaves no step from
            one window to the next.
    """
    if num_frames < 1 or length < 1:
        raise ValueError('expected at least one frame and windows of at least '
                         f'one, found {num_frames} and {length}')
    if not 0 <= overlap < length:
        raise ValueError(f'overlap should be from 0 to {length - 1} for '
                         f'windows of {length} frames, got {overlap}')
    spare = num_frames - length
    if spare <= 0:
        starts = np.array([-(-spare // 2)])
    else:
        count = -(-spare // (length - overlap)) + 1
        starts = np.linspace(0, spare, count).round().astype(int)
    plan = WindowPlan(num_frames, length, starts, np.empty(0))
    weights = np.where(plan.valid, window_weights(length), 0)
    total = np.zeros(num_frames)
    np.add.at(total, plan.frames, weights)
    return WindowPlan(num_frames, length, starts, weights / total[plan.frames])


@dataclass(frozen=True)
class SingleFramePlan(WindowPlan):
    """A window for each frame of a clip, of a model that says its pose only.

    Attributes:
        step: From one frame of a window to the next.
    """
    step: int = 1

    @property
    def poses(self) -> int:
        """Poses that a model says of a window."""
        return 1

    @property
    def positions(self) -> np.ndarray:
        """(W, T) frame of each window position, outside of the clip too."""
        return self.starts[:, None] + self.step * np.arange(self.length)

    def blending(self) -> JoinedWindows:
        """One result per window, (1, ...), as one per frame."""
        return _OneEach(self)

    def picking(self) -> JoinedWindows:
        """The same."""
        return _OneEach(self)


def plan_single_frames(num_frames: int,
                       length: int,
                       target: int,
                       step: int = 1) -> SingleFramePlan:
    """Windows of models that predict one frame of them.

    Args:
        num_frames (int): Frames F of the clip.
        length (int): Frames T of a window.
        target (int): Which of them is predicted.
        step (int): From one frame of a window to the next.

    Returns:
        SingleFramePlan: F windows; those at the ends of the clip repeat its
        end frames, as MMPose's do.
    """
    starts = np.arange(num_frames) - target * step
    return SingleFramePlan(num_frames, length, starts, np.empty(0), step)
