# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What stays in full precision under autocast."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def autocasts(like: Tensor) -> bool:
    """Whether autocast is on for a tensor's device."""
    device = like.device.type
    if device == 'meta':  # torch knows no autocast there
        return False
    try:
        return torch.is_autocast_enabled(device)
    except TypeError:  # before torch 2.4
        if device == 'cpu':
            return torch.is_autocast_cpu_enabled()
        return torch.is_autocast_enabled()


class FullPrecisionLinear(nn.Linear):
    """A linear layer that autocast leaves alone.

    In bfloat16 a coordinate of half a metre is known to 2 mm: the last layer
    before a pose should not round.
    """

    def forward(self, input: Tensor) -> Tensor:
        """``(..., C_in) -> (..., C_out)``, in the weights' precision."""
        if not autocasts(input):
            return F.linear(input, self.weight, self.bias)
        with torch.autocast(input.device.type, enabled=False):
            return F.linear(
                input.to(self.weight.dtype), self.weight, self.bias)
