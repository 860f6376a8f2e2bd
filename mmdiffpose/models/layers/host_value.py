# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What follows from a buffer, computed again only where that has changed."""

from typing import Callable, Optional

from torch import Tensor

from mmdiffpose.diffusion.tracing import is_traced


class _Watch:
    """Whether a module's buffer was written, or another took its place."""

    def __init__(self) -> None:
        self._buffer: Optional[Tensor] = None
        self._version = -1

    def _is_current(self, buffer: Tensor) -> bool:
        """Whether what is known of the buffer still holds.

        Raises:
            RuntimeError: Where a graph is recorded of a module that was never
                run: the graph would have what is known for a constant.
        """
        if is_traced():
            if self._buffer is None:
                raise RuntimeError(
                    'run the model once before it is traced, compiled or '
                    'exported: what its checkpoint says is a constant in the '
                    'graph')
            return True
        return buffer is self._buffer and not self._changed(buffer)

    def _remember(self, buffer: Tensor) -> None:
        self._buffer = buffer
        self._version = -1 if buffer.is_inference() else buffer._version

    def _changed(self, buffer: Tensor) -> bool:
        """Whether it was written since; one without a counter may be."""
        return buffer.is_inference() or buffer._version != self._version


class Derived(_Watch):
    """A tensor that is computed from a buffer.

    Args:
        compute (Callable): Makes it from the buffer.
    """

    def __init__(self, compute: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self._compute = compute
        self._value: Optional[Tensor] = None

    def of(self, buffer: Tensor) -> Tensor:
        """What is computed from the buffer; always the same one of a module.
        """
        if not self._is_current(buffer):
            self._value = self._compute(buffer)
            self._remember(buffer)
        assert self._value is not None
        return self._value


class HostValue(_Watch):
    """The number in a buffer that is saved with the weights.

    ``int(buffer)`` in every step makes the host wait for a GPU each time.
    Here the buffer is read again only after somebody has written it (loaded
    a checkpoint, say) or put another one in its place (``module.to(...)``),
    as its version counter tells. A buffer on the ``meta`` device has no
    number, nor has one while a graph is recorded: the one that it had before
    holds.

    Args:
        value (int): What is in the buffer at first.
    """

    def __init__(self, value: int) -> None:
        super().__init__()
        self._value = int(value)

    def read(self, buffer: Tensor) -> int:
        """The buffer's number, 0 or 1 of a bool.

        Args:
            buffer (Tensor): Without axes, integer or bool; always the same
                one of a module.
        """
        if not self._is_current(buffer) and not buffer.is_meta:
            self._value = int(buffer.item())
            self._remember(buffer)
        return self._value

    def write(self, buffer: Tensor, value: int) -> None:
        """Put a number into the buffer."""
        buffer.fill_(value)
        self._value = value
        self._remember(buffer)
