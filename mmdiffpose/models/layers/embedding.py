# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Embeddings of the diffusion step."""

import math

import torch
from torch import Tensor


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
