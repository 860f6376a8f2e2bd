# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Cut a clip into overlapping windows and blend what a model makes of them."""

from dataclasses import dataclass

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

    def blend(self, values: np.ndarray) -> np.ndarray:
        """Weighted mean over windows.

        Args:
            values (np.ndarray): One result per position, (W, T, ...).

        Returns:
            np.ndarray: One result per frame, (F, ...), of the same type.
        """
        shape = self.weights.shape + (1, ) * (values.ndim - 2)
        total = np.zeros((self.num_frames, *values.shape[2:]))
        np.add.at(total, self.frames, values * self.weights.reshape(shape))
        return total.astype(values.dtype)

    def pick(self, values: np.ndarray) -> np.ndarray:
        """Each frame's result from the window whose middle is nearest.

        Args:
            values (np.ndarray): One result per position, (W, T, ...).

        Returns:
            np.ndarray: One result per frame, (F, ...).
        """
        best = np.zeros(self.num_frames)
        window = np.zeros(self.num_frames, int)
        # Weights grow towards a window's middle, so the largest is nearest.
        for index, (frames,
                    weights) in enumerate(zip(self.frames, self.weights)):
            better = weights > best[frames]
            best[frames[better]] = weights[better]
            window[frames[better]] = index
        position = np.arange(self.num_frames) - self.starts[window]
        return values[window, position]


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

    def blend(self, values: np.ndarray) -> np.ndarray:
        """One result per window (F, 1, ...) as one per frame (F, ...)."""
        return values[:, 0]

    def pick(self, values: np.ndarray) -> np.ndarray:
        """The same."""
        return values[:, 0]


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
