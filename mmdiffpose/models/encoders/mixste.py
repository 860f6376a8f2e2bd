# Copyright (c) mmdiffpose contributors. All rights reserved.
"""MixSTE: seq2seq mixed spatio-temporal encoder."""

from typing import Optional, Tuple

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmdiffpose.registry import MODELS
from ..layers import Linear, TransformerBlock, standardize_window


@MODELS.register_module()
class MixSTE(BaseModule):
    """MixSTE context encoder, written from the paper's equations.

    Zhang et al., "MixSTE: Seq2seq Mixed Spatio-Temporal Encoder for 3D Human
    Pose Estimation in Video", CVPR 2022. Spatial blocks attend over the
    joints of one frame, temporal blocks over the frames of one joint, in
    alternation. As in the published model one spatial and one temporal
    LayerNorm are shared by all blocks, and the temporal position embedding
    is added once, before the first temporal block. The regression head
    (LayerNorm and linear layer) is
    :class:`~mmdiffpose.models.heads.LiftingRegressionHead`.

    The defaults are the paper's (33.8 M parameters with 243 frames).
    DiffHPE's conditioner has ``embed_dims=64, seq_len=27``.

    Args:
        seq_len (int): Number of frames T, fixed by the position embedding.
        num_joints (int): Number of joints J. Defaults to 17.
        in_channels (int): Input coordinates. Defaults to 2.
        embed_dims (int): Width C. Defaults to 512.
        depth (int): Number of spatial and of temporal blocks. Defaults to 8.
        num_heads (int): Attention heads. Defaults to 8.
        mlp_ratio (float): Hidden width of the MLPs over C. Defaults to 2.
        drop_rate (float): Dropout after linear layers. Defaults to 0.
        attn_drop_rate (float): Dropout of attention weights. Defaults to 0.
        drop_path_rate (float): Stochastic depth of the last block, growing
            linearly from 0 at the first. Defaults to 0.1.
        standardize (bool): Whether to centre each window's input at its mean
            position and divide it by its size, before anything else. The
            published model does not. A small model on few data learns
            faster with it and does not depend on where in the image, and
            how large, people were in training; it gives up the perspective
            cue of the image position. Defaults to False.
        init_cfg (dict, optional): Initialisation config.
    """

    causal = False
    """Every frame sees its past and its future (read by MMPose)."""

    def __init__(self,
                 seq_len: int = 243,
                 num_joints: int = 17,
                 in_channels: int = 2,
                 embed_dims: int = 512,
                 depth: int = 8,
                 num_heads: int = 8,
                 mlp_ratio: float = 2.,
                 drop_rate: float = 0.,
                 attn_drop_rate: float = 0.,
                 drop_path_rate: float = 0.1,
                 standardize: bool = False,
                 init_cfg: Optional[dict] = None) -> None:
        super().__init__(init_cfg=init_cfg)
        self.seq_len = seq_len
        self.num_joints = num_joints
        self.in_channels = in_channels
        self.embed_dims = embed_dims
        self.standardize = standardize

        self.embed = Linear(in_channels, embed_dims)
        self.spatial_pos = nn.Parameter(torch.zeros(1, num_joints, embed_dims))
        self.temporal_pos = nn.Parameter(torch.zeros(1, seq_len, embed_dims))
        self.pos_drop = nn.Dropout(drop_rate)

        rates = torch.linspace(0, drop_path_rate, depth).tolist()

        def make_blocks() -> nn.ModuleList:
            return nn.ModuleList(
                TransformerBlock(
                    embed_dims,
                    num_heads,
                    mlp_ratio,
                    drop=drop_rate,
                    attn_drop=attn_drop_rate,
                    drop_path=rate) for rate in rates)

        self.spatial_blocks = make_blocks()
        self.temporal_blocks = make_blocks()
        self.spatial_norm = nn.LayerNorm(embed_dims, eps=1e-6)
        self.temporal_norm = nn.LayerNorm(embed_dims, eps=1e-6)
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        """Xavier for linear layers; joints and frames told apart at once.

        The published code starts from zero position embeddings, which makes
        all joints alike and the first iterations slow.
        """
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)
        nn.init.normal_(self.spatial_pos, std=0.1)
        nn.init.normal_(self.temporal_pos, std=0.1)

    def forward(self, x2d: Tensor) -> Tuple[Tensor]:
        """Encode a window of 2D poses.

        Args:
            x2d (Tensor): Screen-normalised joints, shape (B, T, J, 2).

        Returns:
            tuple[Tensor]: One feature map, shape (B, T, J, C).

        Raises:
            ValueError: For another T, J or coordinate count than the network
                was built for.
        """
        expected = (self.seq_len, self.num_joints, self.in_channels)
        if x2d.ndim != 4 or tuple(x2d.shape[1:]) != expected:
            raise ValueError(
                'MixSTE was built for inputs of shape (B, T, J, C) = (B, '
                f'{", ".join(map(str, expected))}), but got '
                f'{tuple(x2d.shape)}; seq_len of the dataset and of the '
                'backbone should agree, and a third channel is the mask that '
                'the codec adds (mask_channel=True)')
        if self.standardize:
            x2d = standardize_window(x2d)
        return (self.encode(self.embed(x2d)), )

    def encode(self, x: Tensor) -> Tensor:
        """Run the blocks on embedded joints, ``(B, T, J, C)`` and back."""
        B, T, J, _ = x.shape
        x = x.flatten(0, 1) + self.spatial_pos
        x = self.pos_drop(x)
        for i, (spatial, temporal) in enumerate(
                zip(self.spatial_blocks, self.temporal_blocks)):
            x = self.spatial_norm(spatial(x))
            x = x.reshape(B, T, J, -1).transpose(1, 2).flatten(0, 1)
            if i == 0:
                x = self.pos_drop(x + self.temporal_pos)
            x = self.temporal_norm(temporal(x))
            x = x.reshape(B, J, T, -1).transpose(1, 2).flatten(0, 1)
        return x.reshape(B, T, J, -1)
