# Copyright (c) mmdiffpose contributors. All rights reserved.
"""CSDI's embedding of the diffusion step."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def step_table(num_steps: int, half: int) -> Tensor:
    r"""Sines and cosines of :math:`t f_i` with :math:`f_i = 10^{4i/(h-1)}`.

    Angles reach :math:`10^4 t`, where the rounding of float32 decides the
    value: the same formula in float64, or in another order, is another table,
    and weights that were trained with this one need it. So it is computed on
    the CPU, in this order, and never converted.

    Args:
        num_steps (int): Steps t = 0..num_steps - 1.
        half (int): h, the number of frequencies, at least 2.

    Returns:
        Tensor: float32, (num_steps, 2 h).
    """
    frequencies = 10.0**(torch.arange(half) / (half - 1) * 4.0)
    angles = torch.arange(num_steps)[:, None] * frequencies[None]
    return torch.cat([angles.sin(), angles.cos()], dim=1)


class StepEmbedding(nn.Module):
    """Step table and two linear layers with SiLU (CSDI, Tashiro et al.).

    Args:
        num_steps (int): Steps that the table holds, counted from 0.
        channels (int): Width of the embedding, even. Defaults to 128.
    """

    def __init__(self, num_steps: int, channels: int = 128) -> None:
        super().__init__()
        self.register_buffer(
            'table', step_table(num_steps, channels // 2), persistent=False)
        self.fc1 = nn.Linear(channels, channels)
        self.fc2 = nn.Linear(channels, channels)

    def forward(self, steps: Tensor) -> Tensor:
        """Steps (B, ) in 0..num_steps - 1 to embeddings (B, C)."""
        x = self.table[steps.long()].to(self.fc1.weight.dtype)
        return F.silu(self.fc2(F.silu(self.fc1(x))))
