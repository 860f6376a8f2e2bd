# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The layers that GraFormer and DiffPose's released denoiser are made of."""

from typing import Optional

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .attention import SelfAttention
from .fast_linear import Linear
from .graph_conv import ChebConv


def start_small(conv: ChebConv) -> ChebConv:
    """Start a graph convolution as GraFormer's code does.

    Xavier's rule there counts a filter's (terms, 1, in, out) weights in
    another way and gives a tenth of the usual std. GraFormer needs that:
    nothing is normalised along its shortcuts, and with the usual start poses
    are metres off after five layers.

    Args:
        conv (ChebConv): Changed in place.

    Returns:
        ChebConv: The same.
    """
    terms = len(conv.polynomials)
    inputs = conv.linear.in_features // terms
    fan = (1 + terms) * inputs * conv.linear.out_features
    nn.init.normal_(conv.linear.weight, std=(2 / fan)**0.5)
    return conv


class StdLayerNorm(nn.Module):
    r"""Layer normalisation by the unbiased standard deviation.

    :math:`a (x - \mu) / (\sigma + \epsilon) + b` with the sum of squares
    over C - 1. ``nn.LayerNorm`` divides by the biased one and adds epsilon to
    the variance: with C = 96 its output is 0.5 % larger, which weights that
    were trained with this form would notice.

    Args:
        channels (int): Width C.
        eps (float): Defaults to 1e-6.
    """

    def __init__(self, channels: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """``(..., C) -> (..., C)``."""
        std, mean = torch.std_mean(x, dim=-1, keepdim=True)
        return self.weight * (x - mean) / (std + self.eps) + self.bias


class LearnedGraphMLP(nn.Module):
    r"""Two graph convolutions over one learned graph ("GraphNet").

    The feed-forward part of GraFormer's attention layer (Zhao et al., CVPR
    2022, Sec. 3.2): :math:`L\,\mathrm{ReLU}(L X W_1) W_2` with
    :math:`L = D^{-1/2} A D^{-1/2}`, A learned, starting at the identity, and
    D its column sums.

    Args:
        channels (int): Width C; between the two layers it is 2 C.
        num_joints (int): Number of joints J.
    """

    matrices_over_joints = ('adjacency', )
    """Weights (J, J) that are multiplied with joints along their second axis,
    read when weights are carried over to other joints."""

    def __init__(self, channels: int, num_joints: int) -> None:
        super().__init__()
        self.adjacency = nn.Parameter(torch.eye(num_joints))
        self.fc1 = Linear(channels, 2 * channels)
        self.fc2 = Linear(2 * channels, channels)

    def laplacian(self) -> Tensor:
        """L, (J, J). Column sums that training drives below zero, for which
        the released code gives NaN, count as zero."""
        degree = self.adjacency.sum(dim=0).clamp(min=0) + 1e-5
        scale = degree.rsqrt()
        return scale[:, None] * self.adjacency * scale

    def forward(self, x: Tensor) -> Tensor:
        """``(B, J, C) -> (B, J, C)``."""
        laplacian = self.laplacian()
        x = F.relu(self.fc1(laplacian @ x))
        return self.fc2(laplacian @ x)


class GraphAttentionLayer(nn.Module):
    """Self-attention and a :class:`LearnedGraphMLP`, pre-norm and residual.

    GraFormer's "GraAttention".

    Args:
        channels (int): Width C.
        num_joints (int): Number of joints J.
        num_heads (int): Attention heads.
        dropout (float): Dropout of both branches' outputs.
        attn_drop (float): Dropout of the attention weights.
    """

    def __init__(self,
                 channels: int,
                 num_joints: int,
                 num_heads: int = 4,
                 dropout: float = 0.25,
                 attn_drop: float = 0.1) -> None:
        super().__init__()
        self.norm1 = StdLayerNorm(channels)
        self.attn = SelfAttention(channels, num_heads, attn_drop=attn_drop)
        self.norm2 = StdLayerNorm(channels)
        self.mlp = LearnedGraphMLP(channels, num_joints)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, J, C) -> (B, J, C)``."""
        x = x + self.dropout(self.attn(self.norm1(x)))
        return x + self.dropout(self.mlp(self.norm2(x)))


class ResidualChebBlock(nn.Module):
    """Two Chebyshev graph convolutions around a shortcut ("ChebGConv").

    Each is followed by ReLU and dropout. With ``embed_channels`` an embedding
    (of the diffusion step) is added between the two, as DiffPose's released
    denoiser does: ``x + g2(g1(x) + W silu(embedding))``.

    Args:
        channels (int): Width C.
        adjacency (np.ndarray): Symmetric 0/1 matrix (J, J), no self-loops.
        dropout (float): Defaults to 0.1.
        embed_channels (int, optional): Width of the embedding.
        laplacian (str): See :class:`ChebConv`. Defaults to the released
            code's.
    """

    def __init__(self,
                 channels: int,
                 adjacency: np.ndarray,
                 dropout: float = 0.1,
                 embed_channels: Optional[int] = None,
                 laplacian: str = 'random_walk') -> None:
        super().__init__()
        self.conv1, self.conv2 = (
            start_small(
                ChebConv(channels, channels, adjacency, laplacian=laplacian))
            for _ in range(2))
        self.embed_proj = (None if embed_channels is None else Linear(
            embed_channels, channels))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, embedding: Optional[Tensor] = None) -> Tensor:
        """Filter node features.

        Args:
            x (Tensor): (B, J, C).
            embedding (Tensor, optional): (B, ``embed_channels``); exactly
                where the block was built for one.

        Returns:
            Tensor: (B, J, C).

        Raises:
            ValueError: For an embedding that is missing or has no use.
        """
        if (embedding is None) != (self.embed_proj is None):
            raise ValueError(
                'a residual Chebyshev block takes an embedding exactly where '
                'it was built with embed_channels; here it was built '
                f'{"without" if self.embed_proj is None else "with"} and got '
                f'{"none" if embedding is None else "one"}')
        out = self.dropout(F.relu(self.conv1(x)))
        if self.embed_proj is not None and embedding is not None:
            out = out + self.embed_proj(F.silu(embedding))[:, None]
        return x + self.dropout(F.relu(self.conv2(out)))
