# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Multi-head self-attention and the transformer block built on it."""

from typing import Any, Tuple

import torch
import torch.nn.functional as F
from mmcv.cnn.bricks import DropPath
from torch import Tensor, nn

from mmdiffpose.diffusion.tracing import is_traced
from .fast_linear import Linear
from .full_precision import autocasts

PLAIN_TOKENS, PLAIN_CHANNELS = 32, 16
"""Up to which plain products are the faster way on a CPU.

One thread of an AMD EPYC, float32, milliseconds of PyTorch's fused kernel and
of products and a softmax: 17 tokens of 16 channels 1.9 and 1.7, 27 tokens 4.5
and 3.2; 17 tokens of 64 channels 7.6 and 17, 243 tokens of 16 channels 5.2 and
8.1.
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


def attend_packed(qkv: Tensor, dropout: float = 0.) -> Tensor:
    """Self-attention of what one linear layer makes of tokens.

    Args:
        qkv (Tensor): Queries, keys and values, (B, L, 3, heads, C).
        dropout (float): Of the weights.

    Returns:
        Tensor: (B, L, heads * C); float32 under a CPU's autocast, as above.
    """
    if qkv.device.type == 'cpu' and autocasts(qkv):
        with torch.autocast('cpu', enabled=False):
            return attend_packed(qkv.float(), dropout)
    q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
    if (dropout == 0 and _needs_gradients(qkv) and _is_short(qkv, k)
            and qkv.dtype is torch.float32):
        found: Tensor = _PlainAttention.apply(qkv)
        return found
    return attend(q, k, v, dropout).transpose(1, 2).flatten(2)


def _is_plain_faster(q: Tensor, k: Tensor, v: Tensor) -> bool:
    return _is_short(q, k) and not _needs_gradients(q, k, v)


def _is_short(q: Tensor, k: Tensor) -> bool:
    # First: nothing else here can be recorded.
    return (not is_traced() and q.is_cpu and k.shape[-2] <= PLAIN_TOKENS
            and k.shape[-1] <= PLAIN_CHANNELS)


def _needs_gradients(*tensors: Tensor) -> bool:
    return torch.is_grad_enabled() and any(t.requires_grad for t in tensors)


class _PlainAttention(torch.autograd.Function):
    """Plain products and a softmax, with their gradients written out.

    Autograd's own way through ``attend`` copies queries, keys, values and
    their gradients between layouts several times, which takes as long as all
    products. Here each is copied once, and weights are kept.

    One thread of an AMD EPYC, float32, 864 sequences of 17 tokens, four heads
    of 16 channels, forwards and backwards: 22 ms with the fused kernel, 10
    here; 544 of 27 tokens 26 and 13.
    """

    @staticmethod
    def forward(ctx: Any, qkv: Tensor) -> Tensor:
        B, L, _, H, C = qkv.shape
        q, k, v = qkv.permute(2, 0, 3, 1, 4).reshape(3, B * H, L, C).unbind(0)
        scores = torch.baddbmm(q.new_empty(()), q, k.mT, beta=0, alpha=C**-0.5)
        weights = scores.softmax(dim=-1)
        ctx.save_for_backward(q, k, v, weights)
        ctx.num_heads = H
        return torch.bmm(weights, v).view(B, H, L,
                                          C).transpose(1,
                                                       2).reshape(B, L, H * C)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Tuple[Tensor]:
        q, k, v, weights = ctx.saved_tensors
        H, (L, C) = ctx.num_heads, q.shape[1:]
        grad = grad.view(-1, L, H, C).transpose(1, 2).reshape(-1, L, C)
        found = q.new_empty(3, *q.shape)
        torch.bmm(weights.mT, grad, out=found[2])
        of_scores = torch._softmax_backward_data(
            torch.bmm(grad, v.mT), weights, -1, weights.dtype)
        scale = C**-0.5
        torch.baddbmm(
            found[0], of_scores, k, beta=0, alpha=scale, out=found[0])
        torch.baddbmm(
            found[1], of_scores.mT, q, beta=0, alpha=scale, out=found[1])
        # In one go that costs half of a permuted copy.
        parts = [
            part for one in found.view(3, -1, H, L, C)
            for part in one.unbind(1)
        ]
        return (torch.cat(parts, dim=-1).view(-1, L, 3, H, C), )


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
        x = attend_packed(qkv, self.attn_drop if self.training else 0.)
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
