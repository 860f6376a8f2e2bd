# Copyright (c) mmdiffpose contributors. All rights reserved.
"""CSDI-GCN for a reverse process: constants multiplied out once."""

import math
from typing import TYPE_CHECKING, List, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor

if TYPE_CHECKING:
    from .csdi import CSDIBlock
    from .csdi_gcn import CSDIGCN


class FoldedBlock:
    r"""A block in evaluation, one step for all poses.

    - Batch normalisations are part of the weights before them, and
      :math:`A_{ii}` of a joint's own matrix.
    - A step's embedding e is the same for all frames and joints, so behind
      the time-wise convolution it is e times a constant per joint and frame.
    - :math:`\sigma(a) = (1 + \tanh(a/2)) / 2`, so that one function serves
      both halves of the gated unit.
    - The non-local layer's output layer is one with ``mid_proj``.
    - The residual's bias is carried in e, the skip's is added at the end.

    Args:
        block (CSDIBlock): With a ``GraphMixer``, in evaluation.
        carried (Tensor): (C, ), what the input lacks.
    """

    def __init__(self, block: 'CSDIBlock', carried: Tensor) -> None:
        mixer = block.mixer
        self.mixer = mixer
        self.time, self.feature = mixer.time.folded(), mixer.feature.folded()
        self.non_local = mixer.non_local.folded()
        self.step_proj = block.step_proj
        self.carried = carried
        J, T, _ = self.time.own.shape
        ones = self.time.own.new_ones(J, T, 1)
        self.of_constant = mixer.time.convolve(ones, self.time.own,
                                               self.time.others)[..., None]
        self.time_shift = self.time.shift[:, None, None]

        C = len(carried)
        halved = torch.ones_like(block.mid_proj.bias)
        halved[:C] = 0.5
        mid = block.mid_proj.weight.t() * halved
        self.mid = mid.contiguous()
        self.mid_of_pairs = self.non_local.out @ mid
        self.mid_shift = (
            block.mid_proj.bias * halved + self.non_local.out_shift @ mid)
        out = block.out_proj.weight.t() / 2
        self.residual = (out[:, :C] / math.sqrt(2)).contiguous()
        self.skip = out[:, C:].contiguous()
        residual_bias, self.skip_bias = block.out_proj.bias.split(C)
        self.next_carried = (carried + residual_bias) / math.sqrt(2)

    def __call__(self, x: Tensor, step: Tensor,
                 total: Tensor) -> Tuple[Tensor, Tensor]:
        """One block.

        Args:
            x (Tensor): (J, T, B, C), without ``carried``.
            step (Tensor): Step embedding, (1, 128).
            total (Tensor): Sum of the skips, (J T B, C), without biases.

        Returns:
            tuple[Tensor, Tensor]: The next x and total.
        """
        J, T, B, C = x.shape
        e = self.step_proj(step)[0] + self.carried
        shift = torch.addcmul(self.time_shift, self.of_constant, e)
        y = self.mixer.time.convolve(
            x.view(J, T, B * C), self.time.own, self.time.others)
        y = y.view(J, T, B, C).add_(shift).relu_()
        y = self.mixer.feature.convolve(
            y.view(J, T * B, C), self.feature.own, self.feature.others)
        y = y.add_(self.feature.shift).relu_()
        pairs = self.mixer.non_local.attend(y, self.non_local)
        mid = torch.addmm(self.mid_shift, y.view(-1, C), self.mid)
        mid.addmm_(pairs.reshape(mid.shape[0], -1), self.mid_of_pairs)
        gate, value = mid.tanh_().split(C, dim=1)
        gated = torch.addcmul(value, gate, value)
        total = total.addmm_(gated, self.skip)
        x = torch.addmm(
            x.view(-1, C), gated, self.residual, beta=1 / math.sqrt(2))
        return x.view(J, T, B, C), total


class FoldedCSDIGCN:
    """All of :class:`CSDIGCN` behind its input, in evaluation.

    Args:
        network (CSDIGCN): Its weights as they are now.
    """

    def __init__(self, network: 'CSDIGCN') -> None:
        carried = network.output1.bias.new_zeros(network.channels)
        self.blocks: List[FoldedBlock] = []
        for block in network.blocks:
            self.blocks.append(FoldedBlock(block, carried))
            carried = self.blocks[-1].next_carried
        scale = 1 / math.sqrt(len(self.blocks))
        weight = network.output1.weight * scale
        biases = sum(block.skip_bias for block in self.blocks)
        self.weight1, self.bias1 = weight, network.output1.bias + (
            weight @ biases)
        self.output2 = network.output2

    def __call__(self, x: Tensor, step: Tensor) -> Tensor:
        """Inputs (J, T, B, C) and a step (1, 128) to (J, T, B, 3)."""
        shape = x.shape
        x = x.contiguous()
        total = x.new_zeros(x.numel() // shape[-1], shape[-1])
        for block in self.blocks:
            x, total = block(x, step, total)
        hidden = F.linear(total, self.weight1, self.bias1).relu_()
        return self.output2(hidden).view(*shape[:-1], -1)
