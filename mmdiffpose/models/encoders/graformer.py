# Copyright (c) mmdiffpose contributors. All rights reserved.
"""GraFormer: graph-oriented transformer for single frames."""

from typing import Optional, Tuple

from mmengine.model import BaseModule
from torch import Tensor, nn

from mmdiffpose.registry import MODELS
from mmdiffpose.skeletons.metainfo import SkeletonLike, as_skeleton
from ..layers import (ChebConv, GraphAttentionLayer, ResidualChebBlock,
                      standardize_window, start_small)


@MODELS.register_module()
class GraFormer(BaseModule):
    """GraFormer context encoder, the one of DiffPose for single frames.

    Zhao et al., "GraFormer: Graph-oriented Transformer for 3D Pose
    Estimation", CVPR 2022: a Chebyshev graph convolution, then layers of
    self-attention with a feed-forward part over a learned graph
    ("GraAttention") and a residual block of two Chebyshev convolutions over
    the skeleton ("ChebGConv"). Frames are encoded one by one, whatever T is.

    The paper's last graph convolution, to 3 coordinates, is
    :class:`~mmdiffpose.models.heads.GraphRegressionHead`. The defaults are
    those of DiffPose's released encoder, with that head 654,344 parameters;
    every layer stands for one of the released model, so that its weights can
    be converted.

    Args:
        num_joints (int, optional): Number of joints J. Defaults to that of
            the skeleton.
        in_channels (int): Input coordinates. Defaults to 2.
        embed_dims (int): Width C. Defaults to 96.
        num_layers (int): Defaults to 5.
        num_heads (int): Attention heads. Defaults to 4.
        dropout (float): Dropout of the attention layers' two branches.
            Defaults to 0.25.
        graph_dropout (float): Dropout after each graph convolution.
            Defaults to 0.1.
        attn_drop (float): Dropout of attention weights. Defaults to 0.1.
        laplacian (str): See :class:`~mmdiffpose.models.layers.ChebConv`.
            Defaults to the released code's.
        standardize (bool): As in :class:`MixSTE`; of each frame. Defaults to
            False.
        skeleton (str | dict | Skeleton): The joints and their graph. Defaults
            to Human3.6M-17.
        init_cfg (dict, optional): Initialisation config.
    """

    causal = False
    """Windows are not shifted into the past (read by MMPose)."""

    def __init__(self,
                 num_joints: Optional[int] = None,
                 in_channels: int = 2,
                 embed_dims: int = 96,
                 num_layers: int = 5,
                 num_heads: int = 4,
                 dropout: float = 0.25,
                 graph_dropout: float = 0.1,
                 attn_drop: float = 0.1,
                 laplacian: str = 'random_walk',
                 standardize: bool = False,
                 skeleton: SkeletonLike = 'h36m',
                 init_cfg: Optional[dict] = None) -> None:
        super().__init__(init_cfg=init_cfg)
        self.skeleton = as_skeleton(skeleton)
        adjacency = self.skeleton.adjacency()
        if num_joints not in (None, len(adjacency)):
            raise ValueError(f'GraFormer has the graph of {len(adjacency)} '
                             f'joints, but num_joints is {num_joints}')
        self.num_joints = num_joints = len(adjacency)
        self.in_channels = in_channels
        self.embed_dims = embed_dims
        self.standardize = standardize
        self.input = start_small(
            ChebConv(in_channels, embed_dims, adjacency, laplacian=laplacian))
        self.attention_layers = nn.ModuleList(
            GraphAttentionLayer(embed_dims, num_joints, num_heads, dropout,
                                attn_drop) for _ in range(num_layers))
        self.graph_blocks = nn.ModuleList(
            ResidualChebBlock(
                embed_dims, adjacency, graph_dropout, laplacian=laplacian)
            for _ in range(num_layers))

    def forward(self, x2d: Tensor) -> Tuple[Tensor]:
        """Encode frames of 2D poses.

        Args:
            x2d (Tensor): Screen-normalised joints, shape (B, T, J, 2).

        Returns:
            tuple[Tensor]: One feature map, shape (B, T, J, C).

        Raises:
            ValueError: For another J or coordinate count than the network
                was built for.
        """
        expected = (self.num_joints, self.in_channels)
        if x2d.ndim != 4 or tuple(x2d.shape[2:]) != expected:
            raise ValueError(
                'GraFormer was built for inputs of shape (B, T, J, C) = (B, '
                f'any, {", ".join(map(str, expected))}), but got '
                f'{tuple(x2d.shape)}')
        frames = x2d.flatten(0, 1)[:, None]
        if self.standardize:
            frames = standardize_window(frames)
        x = self.input(frames[:, 0])
        for attention, graph in zip(self.attention_layers, self.graph_blocks):
            x = graph(attention(x))
        return (x.reshape(*x2d.shape[:3], -1), )
