# Copyright (c) mmdiffpose contributors. All rights reserved.
"""P-STMO's spatial and temporal encoders: what its pre-training trains."""

from typing import Optional

import torch
from torch import Tensor, nn

from .fast_linear import Linear
from .pose_transformer import PoseTransformerBlock


def _layer(in_channels: int, out_channels: int,
           dropout: float) -> nn.Sequential:
    return nn.Sequential(
        Linear(in_channels, out_channels), nn.BatchNorm1d(out_channels),
        nn.LeakyReLU(0.2), nn.Dropout(dropout))


class PoseMLP(nn.Module):
    """P-STMO's spatial encoding module (SEM): an MLP on a whole pose.

    As in Martinez et al., "A simple yet effective baseline for 3D human pose
    estimation", ICCV 2017: a layer, a residual block of two, a linear layer.

    Args:
        in_channels (int): Coordinates of a pose.
        out_channels (int): Width C of its feature; inside it is 2 C.
        dropout (float): Dropout after each layer but the last.
    """

    def __init__(self,
                 in_channels: int,
                 out_channels: int,
                 dropout: float = 0.1) -> None:
        super().__init__()
        width = 2 * out_channels
        self.input = _layer(in_channels, width, dropout)
        self.block = nn.Sequential(
            _layer(width, width, dropout), _layer(width, width, dropout))
        self.output = Linear(width, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C_in) -> (B, C_out)``."""
        x = self.input(x)
        return self.output(x + self.block(x))


class PoseSequenceEncoder(nn.Module):
    """A feature per frame, from all frames or from some of them.

    P-STMO's spatial encoding module and its temporal one (TEM), transformer
    blocks over frames.

    Args:
        seq_len (int): Number of frames T, fixed by the position embedding.
        num_joints (int): Number of joints J.
        in_channels (int): Coordinates per joint.
        embed_dims (int): Width C.
        hidden_dims (int): Hidden width of the blocks.
        num_layers (int): Number of blocks.
        num_heads (int): Attention heads.
        dropout (float): Everywhere.
    """

    def __init__(self,
                 seq_len: int = 243,
                 num_joints: int = 17,
                 in_channels: int = 2,
                 embed_dims: int = 256,
                 hidden_dims: int = 512,
                 num_layers: int = 4,
                 num_heads: int = 8,
                 dropout: float = 0.1) -> None:
        super().__init__()
        self.input_shape = (seq_len, num_joints, in_channels)
        self.embed_dims = embed_dims
        self.spatial = PoseMLP(num_joints * in_channels, embed_dims, dropout)
        self.temporal_pos = nn.Parameter(
            torch.randn(1, seq_len, embed_dims) * 0.1)
        self.temporal = nn.ModuleList(
            PoseTransformerBlock(embed_dims, hidden_dims, num_heads, dropout)
            for _ in range(num_layers))

    def forward(self, x2d: Tensor, visible: Optional[Tensor] = None) -> Tensor:
        """Encode windows of 2D poses.

        Args:
            x2d (Tensor): (B, T, J, 2).
            visible (Tensor, optional): Indices (B, V) of the frames to
                encode, as if there were no others. Defaults to all.

        Returns:
            Tensor: (B, V, C), in the order of ``visible``.

        Raises:
            ValueError: For another T, J or coordinate count than the network
                was built for.
        """
        if x2d.ndim != 4 or tuple(x2d.shape[1:]) != self.input_shape:
            raise ValueError(
                'P-STMO was built for inputs of shape (B, T, J, C) = (B, '
                f'{", ".join(map(str, self.input_shape))}), but got '
                f'{tuple(x2d.shape)}; seq_len of the dataset and of the '
                'network should agree')
        B, T = x2d.shape[:2]
        x = self.spatial(x2d.flatten(2).flatten(0, 1)).reshape(B, T, -1)
        x = x + self.temporal_pos
        if visible is not None:
            x = x.gather(1, visible[..., None].expand(-1, -1, x.shape[-1]))
        for block in self.temporal:
            x = block(x)
        return x
