# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Residual block of an MLP on whole poses, modulated from outside."""

from typing import Optional

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .fast_linear import Linear


class GatedBlock(nn.Module):
    r"""Normalise, modulate, gate, add.

    .. math::
        x + W_2\,\mathrm{GLU}(W_1 (\gamma \odot \mathrm{norm}(x) + \beta))

    with the layer norm's own scale and shift left to :math:`\gamma, \beta`
    (FiLM: Perez et al., AAAI 2018) where something modulates, and gated
    linear units (Dauphin et al., ICML 2017).

    Args:
        width (int): Channels W.
        modulated (bool): Whether ``forward`` is given the modulation.
    """

    def __init__(self, width: int, modulated: bool = False) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, elementwise_affine=not modulated)
        self.expand = Linear(width, 2 * width)
        self.contract = Linear(width, width)

    def forward(self,
                x: Tensor,
                scale: Optional[Tensor] = None,
                shift: Optional[Tensor] = None) -> Tensor:
        r"""One block.

        Args:
            x (Tensor): (..., W).
            scale (Tensor, optional): :math:`\gamma`, broadcastable.
            shift (Tensor, optional): :math:`\beta`, with ``scale``.

        Returns:
            Tensor: (..., W).
        """
        h = self.norm(x)
        if scale is not None and shift is not None:
            h = torch.addcmul(shift, h, scale)
        return x + self.contract(F.glu(self.expand(h)))
