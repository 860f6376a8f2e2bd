# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Which frames of a stream make a window at a lifter's frame rate."""

from math import ceil
from typing import Optional, Tuple

import numpy as np

from .frame_rate import Rates, wanted_rate
from .gaps import default_max_gap

NEARLY = 1e-6
"""Seconds by which computed times may differ."""


class StreamRate:
    """The frame rate of a stream beside that of a lifter.

    Args:
        rates (float | tuple[float, float], optional): Frames a second at which
            the lifter was trained; None for frames as they come.
        length (int): Frames T of its windows.
        fps (float, optional): Frames a second of the stream, if known.
    """

    def __init__(self, rates: Optional[Rates], length: int,
                 fps: Optional[float]) -> None:
        self.rates, self.length, self.fps = rates, length, fps
        self._ratio = 1.
        if rates is not None and fps is not None:
            wanted = wanted_rate(np.arange(3) / fps, rates)
            self._ratio = 1. if wanted is None else fps / wanted

    @property
    def capacity(self) -> int:
        """Frames of the stream that reach over a window."""
        if self.rates is None:
            return self.length
        if self.fps is None:
            # Of up to twice the lifter's rate.
            return 2 * self.length
        if self._ratio == 1:
            return self.length
        return max(self.length, ceil(self.length * self._ratio) + 2)

    @property
    def half_window(self) -> int:
        """Frames of the stream that reach over half a window."""
        return max(1, int(self.length // 2 * self._ratio))

    @property
    def longest_gap(self) -> int:
        """Frames of the stream in the longest gap that is bridged."""
        return min(
            default_max_gap(2 * self.half_window, self.fps), self.half_window)

    @property
    def most_latency(self) -> int:
        """Frames of future of which a window can make use."""
        return int((self.length - 1) // 2 * max(1., self._ratio))

    def wanted(self, times: Optional[np.ndarray]) -> Optional[float]:
        """At which rate to show the lifter frames of these times.

        Args:
            times (np.ndarray, optional): (F, ) seconds of the stream's latest
                frames.

        Returns:
            float | None: None for frames as they are.
        """
        if self.rates is None or times is None:
            return None
        if len(times) < 4 and self.fps is not None:
            times = np.arange(3) / self.fps
        return wanted_rate(times, self.rates)

    def reach(self, times: np.ndarray, due: int, wanted: float,
              max_gap: float) -> Tuple[int, int]:
        """The frames of a window in which a frame is.

        A window ends with the latest frame, but at most half a window after
        the one that is due. It does not reach over a pause of the stream.

        Args:
            times (np.ndarray): (F, ) seconds, of frames in which the person
                was seen or may have been.
            due (int): The frame whose pose is wanted.
            wanted (float): Frames a second of the window.
            max_gap (float): Seconds of the longest pause.

        Returns:
            tuple[int, int]: First and last of the F frames.
        """
        whole = (self.length - 1) / wanted
        pauses = np.flatnonzero(np.diff(times) > max_gap + NEARLY)
        first = int(max(pauses[pauses < due] + 1, default=0))
        last = int(min(pauses[pauses >= due], default=len(times) - 1))
        ahead = times[due] + whole / 2 + NEARLY
        last = max(due, min(last, int(np.searchsorted(times, ahead)) - 1))
        # In whole rows of the window, of which one is the frame that is due.
        rows = np.floor((times[last] - times[due]) * wanted + NEARLY)
        behind = times[due] + rows / wanted - whole + NEARLY
        # One more: the window begins between two frames.
        return max(first, int(np.searchsorted(times, behind)) - 1), last
