# Copyright (c) mmdiffpose contributors. All rights reserved.
"""DiffPose's denoiser: graph convolutions interlaced with self-attention."""

from typing import Optional

import numpy as np
import torch
from torch import Tensor, nn

from mmdiffpose.registry import MODELS
from mmdiffpose.skeletons.metainfo import SkeletonLike, as_skeleton
from ..layers import ChebConv, SelfAttention, sinusoidal_embedding
from .denoiser import BaseDenoiser


class GCNAttentionBlock(nn.Module):
    """Two graph convolutions and a self-attention layer, each residual.

    Args:
        channels (int): Width C.
        adjacency (np.ndarray): Skeleton graph (J, J).
        num_heads (int): Attention heads.
        dropout (float): Dropout after each graph convolution and of the
            attention's output.
    """

    def __init__(self, channels: int, adjacency: np.ndarray, num_heads: int,
                 dropout: float) -> None:
        super().__init__()
        self.norm_graph = nn.LayerNorm(channels)
        self.graph = nn.Sequential(
            ChebConv(channels, channels, adjacency), nn.ReLU(),
            nn.Dropout(dropout), ChebConv(channels, channels, adjacency),
            nn.ReLU(), nn.Dropout(dropout))
        self.norm_attn = nn.LayerNorm(channels)
        self.attn = SelfAttention(channels, num_heads, proj_drop=dropout)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, J, C) -> (B, J, C)``."""
        x = x + self.graph(self.norm_graph(x))
        return x + self.attn(self.norm_attn(x))


@MODELS.register_module()
class GCNAttention(BaseDenoiser):
    """GCN-Attention denoiser g of DiffPose (Gong et al., CVPR 2023, Sec. 4.5).

    A graph convolution lifts the noisy pose to ``channels // 2``; the context
    feature f_ST of the same width is concatenated, the sinusoidal step
    embedding f_D^k of width ``channels`` added; three GCN-Attention blocks
    with residual connections follow, and a last graph convolution maps to the
    output pose. Frames are denoised one by one: what is temporal comes in
    through f_ST.

    Where the paper is silent: Chebyshev filters with three terms (as in
    GraFormer, which the paper names as its origin) are the graph
    convolution, and layers are normalised before each residual branch, which
    keeps training stable without warm-up. The output layer starts at zero, so
    that a residual head starts at the context encoder's pose. The paper's
    widths are the defaults.

    Args:
        channels (int): Width of the blocks. Defaults to 256.
        num_blocks (int): Number of blocks. Defaults to 3.
        num_heads (int): Attention heads. Defaults to 4.
        dropout (float): Defaults to 0.1, as in the released code.
        in_channels (int): Coordinates of the noisy pose. Defaults to 3.
        skeleton (str | dict | Skeleton): The joints and their graph. Defaults
            to Human3.6M-17.
        init_cfg (dict, optional): Initialisation config.
    """

    temporal = False
    """Frames are independent of each other given the context."""
    cpu_group = 256

    def __init__(self,
                 channels: int = 256,
                 num_blocks: int = 3,
                 num_heads: int = 4,
                 dropout: float = 0.1,
                 in_channels: int = 3,
                 skeleton: SkeletonLike = 'h36m',
                 init_cfg: Optional[dict] = None) -> None:
        super().__init__(init_cfg=init_cfg)
        self.skeleton = as_skeleton(skeleton)
        adjacency = self.skeleton.adjacency()
        self.num_joints = self.skeleton.num_joints
        self.channels = channels
        self.in_channels = in_channels
        self.context_channels = channels - channels // 2
        self.input = ChebConv(in_channels, channels // 2, adjacency)
        self.blocks = nn.ModuleList(
            GCNAttentionBlock(channels, adjacency, num_heads, dropout)
            for _ in range(num_blocks))
        self.norm = nn.LayerNorm(channels)
        self.output = ChebConv(channels, in_channels, adjacency)
        nn.init.zeros_(self.output.linear.weight)

    def forward(self, x_k: Tensor, k: Tensor, context: Tensor) -> Tensor:
        """Predict from noisy poses.

        Args:
            x_k (Tensor): Noisy poses, shape (B, T, J, 3), in the head's
                scaled units.
            k (Tensor): Diffusion steps, shape (B, ), any from 0.
            context (Tensor): Projected f_ST, shape
                (B, T, J, ``context_channels``).

        Returns:
            Tensor: (B, T, J, 3), in the head's scaled units.

        Raises:
            ValueError: For poses or a context of another shape.
        """
        self.check('poses', x_k, self.in_channels)
        self.check('a context', context, self.context_channels)
        step = sinusoidal_embedding(k, self.channels)
        step = step.to(self.output.linear.weight.dtype)
        x = torch.cat([self.input(x_k), context], dim=-1)
        x = x + step[:, None, None]
        shape = x.shape
        x = x.flatten(0, 1)
        for block in self.blocks:
            x = block(x)
        return self.output(self.norm(x)).reshape(*shape[:-1], -1)
