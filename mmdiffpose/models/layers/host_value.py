# Copyright (c) mmdiffpose contributors. All rights reserved.
"""A buffer's number on the host, without waiting for the device."""

from typing import Optional

from torch import Tensor


class HostValue:
    """The number in a buffer that is saved with the weights.

    ``int(buffer)`` in every step makes the host wait for a GPU each time.
    Here the buffer is read again only after somebody has written it (loaded
    a checkpoint, say) or put another one in its place (``module.to(...)``),
    as its version counter tells. A buffer on the ``meta`` device has no
    number: the one that it had before holds.

    Args:
        value (int): What is in the buffer at first.
    """

    def __init__(self, value: int) -> None:
        self._value = int(value)
        self._buffer: Optional[Tensor] = None
        self._version = -1

    def read(self, buffer: Tensor) -> int:
        """The buffer's number, 0 or 1 of a bool.

        Args:
            buffer (Tensor): Without axes, integer or bool; always the same
                one of a module.
        """
        if not buffer.is_meta and (buffer is not self._buffer
                                   or self._changed(buffer)):
            self._value = int(buffer.item())
            self._remember(buffer)
        return self._value

    def write(self, buffer: Tensor, value: int) -> None:
        """Put a number into the buffer."""
        buffer.fill_(value)
        self._value = value
        self._remember(buffer)

    def _remember(self, buffer: Tensor) -> None:
        self._buffer = buffer
        self._version = -1 if buffer.is_inference() else buffer._version

    def _changed(self, buffer: Tensor) -> bool:
        """Whether it was written since; one without a counter may be."""
        return buffer.is_inference() or buffer._version != self._version
