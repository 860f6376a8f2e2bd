# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Whether code may look at the numbers in a tensor."""

import torch
from torch import Tensor


def is_traced() -> bool:
    """Whether ``torch.compile``, ``torch.export`` or ``torch.jit.trace``
    records a graph now.

    Tensors then stand for all tensors of their shape, the number of windows
    may be any, and what is decided by looking at one would hold for all.
    """
    return torch.compiler.is_compiling() or torch.jit.is_tracing()


def can_ask(values: Tensor) -> bool:
    """Whether the numbers in a tensor can be had on the host.

    Not those of the ``meta`` device, and none while a graph is recorded.
    Where they can't, what is decided by them has to be computed both ways, or
    the general way.
    """
    return not (values.is_meta or is_traced())
