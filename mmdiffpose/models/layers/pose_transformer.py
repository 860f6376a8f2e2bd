# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Transformer block over frames, with an option to thin them out."""

import torch.nn.functional as F
from torch import Tensor, nn

from .attention import SelfAttention
from .fast_linear import Linear
from .graformer_layers import StdLayerNorm


class PoseTransformerBlock(nn.Module):
    """Pre-norm block of P-STMO (Shan et al., ECCV 2022), plain or strided.

    Attention, then two layers with ReLU between them. In a strided block (Li
    et al., "Exploiting Temporal Contexts with Strided Transformer for 3D
    Human Pose Estimation") the second is a convolution over three frames that
    keeps every ``stride``-th, and so does the shortcut.

    Args:
        channels (int): Width C.
        hidden (int): Width between the two layers.
        num_heads (int): Attention heads.
        dropout (float): Of attention weights, of the hidden layer and of both
            branches' outputs.
        stride (int): Frames that become one; 0 for a plain block. A strided
            block may have stride 1. Defaults to 0.
    """

    def __init__(self,
                 channels: int,
                 hidden: int,
                 num_heads: int = 8,
                 dropout: float = 0.1,
                 stride: int = 0) -> None:
        super().__init__()
        self.stride = stride
        self.norm1 = StdLayerNorm(channels)
        self.attn = SelfAttention(channels, num_heads, attn_drop=dropout)
        self.norm2 = StdLayerNorm(channels)
        self.fc1 = Linear(channels, hidden)
        self.fc2: nn.Module
        if stride:
            self.fc2 = nn.Conv1d(hidden, channels, 3, stride, padding=1)
        else:
            self.fc2 = Linear(hidden, channels)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, T, C) -> (B, T, C)``; strided: ceil(T / stride) frames."""
        x = x + self.dropout(self.attn(self.norm1(x)))
        hidden = self.dropout(F.relu(self.fc1(self.norm2(x))))
        if not self.stride:
            return x + self.dropout(self.fc2(hidden))
        hidden = self.fc2(hidden.transpose(1, 2)).transpose(1, 2)
        return x[:, ::self.stride] + self.dropout(hidden)
