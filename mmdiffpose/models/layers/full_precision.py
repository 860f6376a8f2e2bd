# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What stays in full precision under autocast."""

import torch.nn.functional as F
from torch import Tensor, autocast, nn


class FullPrecisionLinear(nn.Linear):
    """A linear layer that autocast leaves alone.

    In bfloat16 a coordinate of half a metre is known to 2 mm: the last layer
    before a pose should not round.
    """

    def forward(self, input: Tensor) -> Tensor:
        """``(..., C_in) -> (..., C_out)``, in the weights' precision."""
        with autocast(input.device.type, enabled=False):
            return F.linear(
                input.to(self.weight.dtype), self.weight, self.bias)
