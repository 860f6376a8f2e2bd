# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Embeddings of the diffusion step."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .fast_linear import Linear


def zero_based(k: Tensor) -> Tensor:
    """Steps 1..K as networks know them whose weights count from 0.

    k = 0, a pose without noise, becomes their least noisy step.
    """
    return (k - 1).clamp(min=0)


def sinusoidal_embedding(steps: Tensor,
                         channels: int,
                         max_period: float = 1e4) -> Tensor:
    r"""Sinusoidal embedding of steps (Vaswani et al., 2017; DDPM).

    ``[sin(k f_i), cos(k f_i)]`` with :math:`f_i = p^{-i/(C/2-1)}`,
    i = 0..C/2-1 and p the longest period over :math:`2\pi`.

    Args:
        steps (Tensor): Steps, shape (B, ).
        channels (int): Width C, even and at least 4.
        max_period (float): p.

    Returns:
        Tensor: float32, (B, C).
    """
    if channels < 4 or channels % 2:
        raise ValueError('the width of a sinusoidal embedding should be even '
                         f'and at least 4, got {channels}')
    half = channels // 2
    frequencies = torch.exp(
        torch.arange(half, device=steps.device, dtype=torch.float32) *
        (-math.log(max_period) / (half - 1)))
    angles = steps.float()[:, None] * frequencies
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


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
    """CSDI's embedding (Tashiro et al., NeurIPS 2021): a step table and two
    linear layers with SiLU.

    Args:
        num_steps (int): Steps that the table holds, counted from 0.
        channels (int): Width of the embedding, even. Defaults to 128.
    """

    table: Tensor

    def __init__(self, num_steps: int, channels: int = 128) -> None:
        super().__init__()
        self.register_buffer(
            'table', step_table(num_steps, channels // 2), persistent=False)
        self.fc1 = Linear(channels, channels)
        self.fc2 = Linear(channels, channels)

    def forward(self, steps: Tensor) -> Tensor:
        """Steps (B, ) in 0..num_steps - 1 to embeddings (B, C).

        Steps that are no whole numbers are between the table's rows.
        """
        rows = self.table[steps.long()]
        if steps.is_floating_point():
            share = steps.frac().to(rows)[:, None]
            after = self.table[steps.ceil().long()]
            rows = rows + share * (after - rows)
        x = rows.to(self.fc1.weight.dtype)
        return F.silu(self.fc2(F.silu(self.fc1(x))))
