# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The denoiser of DiffPose's released code."""

from typing import Optional

from torch import Tensor, nn

from mmdiffpose.registry import MODELS
from mmdiffpose.skeletons.metainfo import SkeletonLike, as_skeleton
from ..layers import (ChebConv, GraphAttentionLayer, Linear, ResidualChebBlock,
                      sinusoidal_embedding, start_small, zero_based)
from .denoiser import BaseDenoiser


@MODELS.register_module()
class GCNDiff(BaseDenoiser):
    r"""Denoiser of DiffPose's released code: u, v, x, y, z and a step.

    GraFormer's stack (Zhao et al., CVPR 2022) with a step embedding between
    the two graph convolutions of each block. It is not the network of the
    paper's Sec. 4.5, which is :class:`GCNAttention`: it sees the 2D pose as
    two more noisy channels and no context features. The defaults are those
    of the released weights: 1,025,674 parameters.

    Each tensor of the released state dict has its place here (i is the
    layer; their shapes behind the names):

    ================================================ =========================
    released                                         here
    ================================================ =========================
    ``gconv_input.weight`` (3, 1, 5, 96)             ``input.linear.weight``
    ``gconv_input.bias`` (1, 1, 96)                  ``input.linear.bias``
    ``atten_layers.i.self_attn.linears.0-2``         ``attention_layers.i.``
                                                     ``attn.qkv``
    ``atten_layers.i.self_attn.linears.3``           ``….attn.proj``
    ``atten_layers.i.feed_forward.A_hat``            ``….mlp.adjacency``
    ``atten_layers.i.feed_forward.gconv1.fc``, ``2`` ``….mlp.fc1``, ``fc2``
    ``atten_layers.i.sublayer.0.norm.a_2``, ``b_2``  ``….norm1.weight``,
                                                     ``bias``
    ``atten_layers.i.sublayer.1.norm.a_2``, ``b_2``  ``….norm2.weight``,
                                                     ``bias``
    ``gconv_layers.i.gconv1.gconv.weight``, ``bias`` ``graph_blocks.i.conv1.``
                                                     ``linear``
    ``gconv_layers.i.gconv2.gconv.weight``, ``bias`` ``….conv2.linear``
    ``gconv_layers.i.temb_proj``                     ``….embed_proj``
    ``temb.dense.0``, ``temb.dense.1``               ``step_mlp.0``, ``2``
    ``gconv_output.weight``, ``bias``                ``output.linear``
    ================================================ =========================

    A Chebyshev weight (3, 1, C_in, C_out) becomes the (C_out, 3 C_in) of a
    linear layer by ``w.flatten(0, 2).T``, a bias loses its leading ones; the
    weights of Q, K and V stand below one another in ``qkv``. The rest keeps
    its shape. ``adj`` is in neither: the graph is the skeleton's.

    Args:
        channels (int): Width C. Defaults to 96.
        num_layers (int): Defaults to 5.
        num_heads (int): Attention heads. Defaults to 4.
        dropout (float): Dropout of the attention layers' two branches.
            Defaults to 0.25.
        graph_dropout (float): Dropout after each graph convolution.
            Defaults to 0.1.
        attn_drop (float): Dropout of attention weights. Defaults to 0.1.
        in_channels (int): Defaults to 5.
        laplacian (str): See :class:`~mmdiffpose.models.layers.ChebConv`.
            Defaults to the released code's.
        skeleton (str | dict | Skeleton): The joints and their graph. Defaults
            to Human3.6M-17.
        init_cfg (dict, optional): Initialisation config.
    """

    temporal = False
    """Frames are independent of each other."""
    context_channels = 0
    """The 2D pose is part of the noisy one, and there is nothing else."""

    def __init__(self,
                 channels: int = 96,
                 num_layers: int = 5,
                 num_heads: int = 4,
                 dropout: float = 0.25,
                 graph_dropout: float = 0.1,
                 attn_drop: float = 0.1,
                 in_channels: int = 5,
                 laplacian: str = 'random_walk',
                 skeleton: SkeletonLike = 'h36m',
                 init_cfg: Optional[dict] = None) -> None:
        super().__init__(init_cfg=init_cfg)
        self.skeleton = as_skeleton(skeleton)
        adjacency = self.skeleton.adjacency()
        embed_channels = 4 * channels
        self.num_joints = self.skeleton.num_joints
        self.channels = channels
        self.in_channels = in_channels
        self.step_mlp = nn.Sequential(
            Linear(channels, embed_channels), nn.SiLU(),
            Linear(embed_channels, embed_channels))
        self.input = start_small(
            ChebConv(in_channels, channels, adjacency, laplacian=laplacian))
        self.attention_layers = nn.ModuleList(
            GraphAttentionLayer(channels, self.num_joints, num_heads, dropout,
                                attn_drop) for _ in range(num_layers))
        self.graph_blocks = nn.ModuleList(
            ResidualChebBlock(channels, adjacency, graph_dropout,
                              embed_channels, laplacian)
            for _ in range(num_layers))
        self.output = start_small(
            ChebConv(channels, in_channels, adjacency, laplacian=laplacian))

    def forward(self,
                x_k: Tensor,
                k: Tensor,
                context: Optional[Tensor] = None) -> Tensor:
        """Predict the noise.

        Args:
            x_k (Tensor): Noisy u, v (screen-normalised) and x, y, z
                (root-relative metres, camera axes), shape (B, T, J, 5).
            k (Tensor): Steps (B, ), any from 0; the released code counts
                them from 0, so that its t is k - 1.
            context (Tensor, optional): Not used: None, or (B, T, J, 0).

        Returns:
            Tensor: (B, T, J, 5), in the units of the input.

        Raises:
            ValueError: For poses of another shape.
        """
        self.check('poses', x_k, self.in_channels)
        steps = sinusoidal_embedding(zero_based(k), self.channels)
        embedding = self.step_mlp(steps.to(x_k.dtype))
        embedding = embedding.repeat_interleave(x_k.shape[1], dim=0)
        x = self.input(x_k.flatten(0, 1))
        for attention, graph in zip(self.attention_layers, self.graph_blocks):
            x = graph(attention(x), embedding)
        return self.output(x).reshape(x_k.shape)
