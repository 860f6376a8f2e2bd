# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Bars and frames a second for the stages of inference."""

import time
from typing import Optional

from tqdm import tqdm


class StageBar:
    """A stage's bar while it runs, and a line that says how fast it was.

    Args:
        name (str): What was done, for example ``'lifted'``.
        unit (str): What the bar counts.
        total (int, optional): How many there are, if known.
        frames (int, optional): Frames for the line, where the bar counts
            something else.
        quiet (bool): Whether nothing is printed. Defaults to False.
    """

    def __init__(self,
                 name: str,
                 unit: str = 'frame',
                 total: Optional[int] = None,
                 frames: Optional[int] = None,
                 quiet: bool = False) -> None:
        self.name, self.frames, self.quiet = name, frames, quiet
        self._done = 0
        self._bar = tqdm(
            desc=name,
            unit=unit,
            total=total,
            dynamic_ncols=True,
            disable=quiet)

    def __enter__(self) -> 'StageBar':
        self._start = time.perf_counter()
        return self

    def __exit__(self, kind: Optional[type], *_: object) -> None:
        seconds = max(time.perf_counter() - self._start, 1e-9)
        self._bar.close()
        if kind is None and not self.quiet:
            frames = self._done if self.frames is None else self.frames
            print(f'{self.name}: {frames} frames in {seconds:.2f} s, '
                  f'{frames / seconds:.0f} frames/s')

    def advance(self, number: int = 1) -> None:
        """Say that so many more are done."""
        self._done += number
        self._bar.update(number)

    def __call__(self, done: int, total: int) -> None:
        """Say how many are done of how many."""
        self._bar.total = total
        self.advance(done - self._done)


class Stages:
    """Makes the bars of an inferencer.

    Args:
        show (bool): Whether anything is printed.
    """

    def __init__(self, show: bool) -> None:
        self.show = show

    def say(self, message: str) -> None:
        """Print a line between the bars."""
        if self.show:
            print(message)

    def frames(self, name: str, total: Optional[int]) -> StageBar:
        """A bar that counts frames."""
        return StageBar(name, total=total, quiet=not self.show)

    def windows(self, name: str, frames: int) -> StageBar:
        """A bar that counts windows, for so many frames."""
        return StageBar(name, 'window', frames=frames, quiet=not self.show)
