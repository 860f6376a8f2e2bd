# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The index of a sample and which pass over the data it is asked for in."""

from typing import Tuple


class EpochIndex(int):
    """A window's index that says the epoch, in each of which the window is
    drawn anew.

    It comes with the index because persistent workers hold copies of a data
    set that nothing else reaches.

    Args:
        epoch: Pass over the data.
        window: The index, which is also the value as an int.

    Attributes:
        epoch: Pass over the data.
    """

    epoch: int

    def __new__(cls, epoch: int, window: int) -> 'EpochIndex':
        """Make one."""
        made = super().__new__(cls, window)
        made.epoch = epoch
        return made

    def __getnewargs__(self) -> Tuple[int, int]:  # type: ignore[override]
        """How a worker's copy is made."""
        return self.epoch, int(self)

    @property
    def window(self) -> int:
        """The index."""
        return int(self)
