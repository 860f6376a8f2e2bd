# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Linear layers by the faster of PyTorch's two libraries for a CPU.

PyTorch multiplies float32 matrices with Intel's MKL. On processors of other
makers MKL leaves their widest vector units alone, and oneDNN, which comes
with PyTorch, too, takes half its time: on an AMD EPYC with AVX-512, one
thread, 640 rows of 128 to 256 channels, MKL makes 100 GFLOP/s and oneDNN 230,
with the same rounding errors.
"""

import platform
from functools import lru_cache
from pathlib import Path
from typing import Any, Optional, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmdiffpose.diffusion.tracing import is_traced
from .full_precision import autocasts

MIN_PRODUCTS = 2**21
"""Multiplications of a product for which the other way pays."""
NARROW = 129
"""Channels below which it matters which matrix of a product has the rows."""


class Linear(nn.Linear):
    """``nn.Linear``, on processors where that helps by oneDNN."""

    def forward(self, input: Tensor) -> Tensor:
        """``(..., C_in) -> (..., C_out)``."""
        return linear(input, self.weight, self.bias)


class FullPrecisionLinear(Linear):
    """A linear layer that autocast leaves alone.

    In bfloat16 a coordinate of half a metre is known to 2 mm: the last layer
    before a pose should not round.
    """

    def forward(self, input: Tensor) -> Tensor:
        """``(..., C_in) -> (..., C_out)``, in the weights' precision."""
        if not autocasts(input):
            return linear(input, self.weight, self.bias)
        with torch.autocast(input.device.type, enabled=False):
            return linear(input.to(self.weight.dtype), self.weight, self.bias)


def linear(x: Tensor, weight: Tensor, bias: Optional[Tensor] = None) -> Tensor:
    """``F.linear``, on processors where that helps by oneDNN.

    Args:
        x (Tensor): (..., C_in).
        weight (Tensor): (C_out, C_in).
        bias (Tensor, optional): (C_out, ).

    Returns:
        Tensor: (..., C_out).
    """
    if not _by_onednn(x, weight):
        return F.linear(x, weight, bias)
    if torch.is_grad_enabled() and (x.requires_grad or weight.requires_grad or
                                    (bias is not None and bias.requires_grad)):
        product: Tensor = _OneDnnLinear.apply(x, weight, bias)
        return product
    return _product(x, weight, bias)


def _by_onednn(x: Tensor, weight: Tensor) -> bool:
    # First: nothing else here can be recorded.
    if is_traced() or not onednn_is_faster():
        return False
    return (x.is_cpu and x.dtype is torch.float32
            and weight.dtype is torch.float32
            and x.numel() * weight.shape[0] >= MIN_PRODUCTS
            and not autocasts(x))


def _product(x: Tensor, weight: Tensor, bias: Optional[Tensor]) -> Tensor:
    found: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, 'none',
                                                       [], '')
    return found


class _OneDnnLinear(torch.autograd.Function):
    """The product and its gradients."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor,
                bias: Optional[Tensor]) -> Tensor:
        ctx.save_for_backward(x, weight)
        return _product(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tuple[Optional[Tensor], ...]:
        x, weight = ctx.saved_tensors
        of_x = of_weight = of_bias = None
        if ctx.needs_input_grad[0]:
            of_x = linear(grad, weight.t())
        rows = grad.flatten(0, -2)
        if ctx.needs_input_grad[1]:
            of_weight = _weight_gradient(rows, x.flatten(0, -2))
        if ctx.needs_input_grad[2]:
            of_bias = rows.sum(0)
        return of_x, of_weight, of_bias


def _weight_gradient(grad: Tensor, x: Tensor) -> Tensor:
    """``grad.T @ x``, (C_out, C_in), from (N, C_out) and (N, C_in).

    oneDNN takes less time where the narrower of the two has the rows: 14688
    of them, 64 to 192 channels, 2.9 ms instead of 4.7. Not so with part of a
    wider matrix, 9 to 32 channels of 64: 89 ms instead of 0.8.
    """
    whole = x.is_contiguous() and grad.is_contiguous()
    if whole and x.shape[1] < min(grad.shape[1], NARROW):
        return linear(x.t(), grad.t()).t()
    return linear(grad.t(), x.t())


@lru_cache(maxsize=1)
def onednn_is_faster() -> bool:
    """Whether float32 products are sooner done by oneDNN than by MKL.

    That is so on processors with AVX-512 that are not Intel's, where PyTorch
    was built with both.
    """
    if not (torch.backends.mkldnn.is_available()
            and torch.backends.mkl.is_available()
            and torch.backends.cpu.get_cpu_capability() == 'AVX512'
            and 'GenuineIntel' not in processor_maker()):
        return False
    x = torch.arange(6.).view(2, 3)
    try:
        found = _product(x, x, None)
    except (AttributeError, RuntimeError):  # another PyTorch's
        return False
    return torch.equal(found, F.linear(x, x))


def processor_maker() -> str:
    """As the processor itself names its maker, such as ``AuthenticAMD``."""
    try:
        for line in Path('/proc/cpuinfo').read_text().splitlines():
            if line.startswith('vendor_id'):
                return line.partition(':')[2].strip()
    except OSError:
        pass
    return platform.processor()
