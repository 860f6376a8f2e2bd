# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Multi-head self-attention and the transformer block built on it."""

import torch
import torch.nn.functional as F
from mmcv.cnn.bricks import DropPath
from torch import Tensor, nn

from mmdiffpose.diffusion.tracing import is_traced
from .fast_linear import Linear
from .full_precision import autocasts

PLAIN_TOKENS, PLAIN_CHANNELS = 32, 16
"""Up to which plain products are the faster way on a CPU without gradients.

One thread of an AMD EPYC, float32, milliseconds of PyTorch's fused kernel and
of products and a softmax: 17 tokens of 16 channels 1.9 and 1.7, 27 tokens 4.5
and 3.2; 17 tokens of 64 channels 7.6 and 17, 243 tokens of 16 channels 5.2 and
8.1. With gradients they differ by a tenth at most, 8.4 and 8.7 for 17 tokens
of 16 channels, 37 and 34 of 64; 243 tokens of 16 channels take 17 and 23.
"""


def attend(q: Tensor, k: Tensor, v: Tensor, dropout: float = 0.) -> Tensor:
    """Scaled dot-product attention, (..., L, C) each.

    Under a CPU's autocast it is computed in float32: with bfloat16 torch has
    no fused kernel there that gradients go through, and the plain one takes
    several times as long.
    """
    if q.device.type == 'cpu' and autocasts(q):
        with torch.autocast('cpu', enabled=False):
            return attend(q.float(), k.float(), v.float(), dropout)
    if dropout == 0 and _is_plain_faster(q, k, v):
        scores = torch.matmul(q * q.shape[-1]**-0.5, k.transpose(-2, -1))
        return torch.matmul(scores.softmax(dim=-1), v)
    return F.scaled_dot_product_attention(q, k, v, dropout_p=dropout)


def _is_plain_faster(q: Tensor, k: Tensor, v: Tensor) -> bool:
    if is_traced() or not q.is_cpu or k.shape[-2] > PLAIN_TOKENS:
        return False
    needs = torch.is_grad_enabled() and (q.requires_grad or k.requires_grad
                                         or v.requires_grad)
    return q.shape[-1] <= PLAIN_CHANNELS and not needs


class SelfAttention(nn.Module):
    """Multi-head self-attention over the second-to-last axis.

    Args:
        channels (int): Width C, a multiple of ``num_heads``.
        num_heads (int): Number of heads.
        qkv_bias (bool): Whether the input projection has a bias.
        attn_drop (float): Dropout of the attention weights.
        proj_drop (float): Dropout of the output.
    """

    def __init__(self,
                 channels: int,
                 num_heads: int = 8,
                 qkv_bias: bool = True,
                 attn_drop: float = 0.,
                 proj_drop: float = 0.) -> None:
        super().__init__()
        if channels % num_heads:
            raise ValueError(f'channels ({channels}) should be a multiple of '
                             f'num_heads ({num_heads})')
        self.num_heads = num_heads
        self.attn_drop = attn_drop
        self.qkv = Linear(channels, channels * 3, bias=qkv_bias)
        self.proj = Linear(channels, channels)
        self.proj_drop = nn.Dropout(proj_drop)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, L, C) -> (B, L, C)``."""
        B, L, C = x.shape
        qkv = self.qkv(x).reshape(B, L, 3, self.num_heads, C // self.num_heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        x = attend(q, k, v, self.attn_drop if self.training else 0.)
        x = x.transpose(1, 2).reshape(B, L, C)
        return self.proj_drop(self.proj(x))


class TransformerBlock(nn.Module):
    """Pre-norm transformer block (attention, then a two-layer MLP).

    Args:
        channels (int): Width C.
        num_heads (int): Number of heads.
        mlp_ratio (float): Hidden width of the MLP over C.
        qkv_bias (bool): Whether the attention's input projection has a bias.
        drop (float): Dropout after each linear layer.
        attn_drop (float): Dropout of the attention weights.
        drop_path (float): Stochastic depth, per sequence.
    """

    def __init__(self,
                 channels: int,
                 num_heads: int = 8,
                 mlp_ratio: float = 2.,
                 qkv_bias: bool = True,
                 drop: float = 0.,
                 attn_drop: float = 0.,
                 drop_path: float = 0.) -> None:
        super().__init__()
        hidden = int(channels * mlp_ratio)
        self.norm1 = nn.LayerNorm(channels, eps=1e-6)
        self.attn = SelfAttention(channels, num_heads, qkv_bias, attn_drop,
                                  drop)
        self.drop_path = DropPath(drop_path) if drop_path else nn.Identity()
        self.norm2 = nn.LayerNorm(channels, eps=1e-6)
        self.mlp = nn.Sequential(
            Linear(channels, hidden), nn.GELU(), nn.Dropout(drop),
            Linear(hidden, channels), nn.Dropout(drop))

    def forward(self, x: Tensor) -> Tensor:
        """``(B, L, C) -> (B, L, C)``."""
        x = x + self.drop_path(self.attn(self.norm1(x)))
        return x + self.drop_path(self.mlp(self.norm2(x)))
