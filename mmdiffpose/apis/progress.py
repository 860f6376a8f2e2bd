# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Bars and frames a second for the stages of inference."""

import importlib.util
import sys
import time
from typing import Any, Optional

from tqdm import tqdm

LOG_SECONDS = 10.
"""Between two states of a bar where nobody sees it move, as in a log."""


def make_bar(**options: Any) -> Any:
    """A bar for where it is seen: a widget in a notebook that has widgets, a
    line that moves in a terminal and in other notebooks, and now and then a
    state in a log.

    Args:
        **options: Of ``tqdm``.
    """
    if in_notebook():
        if importlib.util.find_spec('ipywidgets') is not None:
            from tqdm.notebook import tqdm as widget
            return widget(**options)
        # The width of a notebook is not known, and is no terminal's.
        return tqdm(ncols=80, **options)
    if not sys.stderr.isatty():
        options.update(mininterval=LOG_SECONDS)
    return tqdm(dynamic_ncols=True, **options)


def in_notebook() -> bool:
    """Whether this runs in a notebook's kernel, not in a terminal."""
    ipython = sys.modules.get('IPython')
    shell = None if ipython is None else ipython.get_ipython()
    return type(shell).__name__ == 'ZMQInteractiveShell'


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
        self._bar = make_bar(desc=name, unit=unit, total=total, disable=quiet)

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
