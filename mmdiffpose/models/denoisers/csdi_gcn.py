# Copyright (c) mmdiffpose contributors. All rights reserved.
"""DiffHPE's denoiser: CSDI with graph convolutions."""

import math
from typing import Any, Callable, List, Tuple, cast

import torch
from torch import Tensor, nn

from mmdiffpose.registry import MODELS
from mmdiffpose.skeletons import Skeleton
from mmdiffpose.skeletons.metainfo import SkeletonLike, as_skeleton
from ..layers import (GraphNonLocal, PreAggregatedGraphLayer, linear,
                      pooled_pairs)
from .csdi import CSDIBlock, CSDIDenoiser

RELEASED_NAMES = {
    'input_projection': 'input_proj',
    'diffusion_embedding.projection1': 'step_embedding.fc1',
    'diffusion_embedding.projection2': 'step_embedding.fc2',
    'residual_layers': 'blocks',
    'diffusion_projection': 'step_proj',
    'mid_projection': 'mid_proj',
    'output_projection': 'out_proj',
    'time_layer': 'mixer.time',
    'feature_layer': 'mixer.feature',
    'gconv.W': 'weight',
    'gconv.bias': 'bias',
    'bn': 'norm',
    'non_local.non_local': 'mixer.non_local',
    'g.0': 'g',
    'phi.0': 'phi',
    'concat_project.0': 'project',
    'W.0': 'out',
    'W.1': 'norm',
    'output_projection1': 'output1',
    'output_projection2': 'output2',
}
"""Parts of the released state dict's names, and those here."""


class GraphMixer(nn.Module):
    """Time-wise and feature-wise graph layers and a non-local layer.

    Args:
        seq_len (int): Number of frames T.
        channels (int): Width C.
        skeleton (Skeleton): Gives the graph (J, J).
        dropout (float): Of both graph layers.
    """

    def __init__(self, seq_len: int, channels: int, skeleton: Skeleton,
                 dropout: float) -> None:
        super().__init__()
        adjacency = skeleton.adjacency()
        self.time = PreAggregatedGraphLayer(
            seq_len, adjacency, over_time=True, dropout=dropout)
        self.feature = PreAggregatedGraphLayer(
            channels, adjacency, over_time=False, dropout=dropout)
        self.non_local = GraphNonLocal(channels, pooled_pairs(skeleton))

    def forward(self, x: Tensor) -> Tensor:
        """``(J, T, B, C) -> (J, T, B, C)``."""
        return self.non_local(self.feature(self.time(x)))


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

    def __init__(self, block: CSDIBlock, carried: Tensor) -> None:
        mixer = cast(GraphMixer, block.mixer)
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
    """All of :class:`CSDIGCN` behind its input, in evaluation: what is
    constant in a reverse process is multiplied out once.

    Args:
        network (CSDIDenoiser): With :class:`GraphMixer` blocks; its weights
            as they are now.
    """

    def __init__(self, network: CSDIDenoiser) -> None:
        carried = network.output1.bias.new_zeros(network.channels)
        self.blocks: List[FoldedBlock] = []
        for block in network.blocks:
            self.blocks.append(FoldedBlock(cast(CSDIBlock, block), carried))
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
        hidden = linear(total, self.weight1, self.bias1).relu_()
        return self.output2(hidden).view(*shape[:-1], -1)


@MODELS.register_module()
class CSDIGCN(CSDIDenoiser):
    r"""DiffHPE's denoiser (Rommel et al., ICCVW 2023, Sec. 3.3).

    CSDI's residual blocks, each with a time-wise graph layer, a feature-wise
    one and a graph non-local layer in place of two transformers. The
    defaults are those of the released weights of DiffHPE-2D: 3,201,971
    parameters. DiffHPE-Wrapper has ``context_channels=64, pose_channels=64,
    dropout=0.27038``: 3,209,843 and 256 of w_theta. The time-wise layers
    have a matrix from frames to frames, so that T is built in.

    Each tensor of the released state dict (below ``diffmodel.``) has its
    place here; i is the block:

    ================================================ =========================
    released                                         here
    ================================================ =========================
    ``input_projection`` (64, D, 1)                  ``input_proj``
    ``diffusion_embedding.projection1``, ``2``       ``step_embedding.fc1``,
                                                     ``fc2``
    ``residual_layers.i.diffusion_projection``       ``blocks.i.step_proj``
    ``….time_layer.gconv.W`` (2, 17, 27, 27)         ``….mixer.time.weight``
    ``….time_layer.gconv.bias``                      ``….mixer.time.bias``
    ``….time_layer.bn``                              ``….mixer.time.norm``
    ``….feature_layer.…``                            ``….mixer.feature.…``
    ``….non_local.non_local.g.0``, ``phi.0``,        ``….mixer.non_local.g``,
    ``theta`` (32, 64, 1)                            ``phi``, ``theta``
    ``….non_local.non_local.concat_project.0``       ``….mixer.non_local.``
    (1, 64, 1, 1)                                    ``project``
    ``….non_local.non_local.W.0``, ``W.1``           ``….out``, ``….norm``
    ``….mid_projection`` (128, 64, 1)                ``….mid_proj``
    ``….output_projection`` (128, 64, 1)             ``….out_proj``
    ``output_projection1``, ``output_projection2``   ``output1``, ``output2``
    ================================================ =========================

    Beside ``diffmodel.``, ``data_enc`` of the Wrapper is ``pose_embed``.
    Weights of convolutions lose their axes of length 1; the rest keeps its
    shape. :func:`released_name` turns a released name into one of here.

    Args:
        seq_len (int): Number of frames T. Defaults to 27.
        channels (int): Width C. Defaults to 64.
        dropout (float): Of the graph layers. Defaults to 0.032, DiffHPE-2D's.
        skeleton (str | dict | Skeleton): As in :class:`CSDIDenoiser`.
        **kwargs: Further arguments of :class:`CSDIDenoiser`.
    """

    def __init__(self,
                 seq_len: int = 27,
                 channels: int = 64,
                 dropout: float = 0.032,
                 skeleton: SkeletonLike = 'h36m',
                 **kwargs: Any) -> None:
        joints = as_skeleton(skeleton)
        super().__init__(
            lambda: GraphMixer(seq_len, channels, joints, dropout),
            seq_len=seq_len,
            channels=channels,
            skeleton=joints,
            **kwargs)
        self.dropout = dropout

    def folded(self) -> Callable[[Tensor, Tensor], Tensor]:
        """The blocks with all that is constant multiplied out."""
        return super().folded() if self.training else FoldedCSDIGCN(self)


def released_name(name: str) -> str:
    """Name here of a tensor of the released state dict.

    Args:
        name (str): Without ``diffmodel.``; ``data_enc`` as it is.
    """
    for old, new in [('data_enc', 'pose_embed'), *RELEASED_NAMES.items()]:
        parts = f'.{name}.'.replace(f'.{old}.', f'.{new}.')
        name = parts[1:-1]
    return name
