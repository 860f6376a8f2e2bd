# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Attention by plain products where they are faster, else fused."""
import pytest
import torch
from torch.nn import functional as F

from mmdiffpose.models.layers import attention
from mmdiffpose.models.layers.attention import attend, attend_packed


@pytest.fixture
def fused(monkeypatch):
    """Counts the fused kernel's calls."""
    calls = []
    kernel = F.scaled_dot_product_attention
    monkeypatch.setattr(
        F, 'scaled_dot_product_attention',
        lambda *given, **more: calls.append(1) or kernel(*given, **more))
    return calls


def tokens(length, channels):
    generator = torch.Generator().manual_seed(0)
    shape = (2, length, 3, 4, channels)
    qkv = torch.randn(shape, generator=generator)
    return qkv.permute(2, 0, 3, 1, 4).unbind(0)


@pytest.mark.parametrize('length, channels, plain', [
    (17, 16, True),
    (27, 8, True),
    (17, 64, False),
    (243, 16, False),
])
def test_either_way_is_the_definition(fused, length, channels, plain):
    q, k, v = tokens(length, channels)
    a, b, c = (value.double() for value in (q, k, v))
    weights = (a @ b.mT / channels**0.5).exp()
    expected = weights / weights.sum(-1, keepdim=True) @ c
    with torch.no_grad():
        found = attend(q, k, v)
    assert bool(fused) != plain
    assert (found.double() - expected).abs().max() < 1e-5


def test_gradients_and_dropout_take_the_fused_kernel(fused):
    q, k, v = tokens(17, 16)
    attend(q.requires_grad_(), k, v)
    with torch.no_grad():
        attend(q, k, v, dropout=0.5)
    assert len(fused) == 2
    with torch.no_grad(), torch.autocast('cpu', dtype=torch.bfloat16):
        assert attend(q, k, v).dtype == torch.float32
    attend(*tokens(attention.PLAIN_TOKENS, attention.PLAIN_CHANNELS))
    assert len(fused) == 2


def packed(length, channels):
    generator = torch.Generator().manual_seed(0)
    return torch.randn((2, length, 3, 4, channels), generator=generator)


@pytest.mark.parametrize('length, channels, plain', [
    (17, 16, True),
    (27, 8, True),
    (17, 32, False),
    (40, 8, False),
])
def test_gradients_of_packed_tokens_are_those_of_float64(
        fused, length, channels, plain):
    qkv = packed(length, channels).requires_grad_()
    found = attend_packed(qkv)
    assert bool(fused) != plain
    assert found.shape == (2, length, 4 * channels)
    # Weights that tell tokens, heads and channels apart.
    factors = torch.linspace(-1, 1, found.numel()).view_as(found)
    (found * factors).sum().backward()

    exact = qkv.detach().double().requires_grad_()
    heads = []
    for head in range(4):
        q, k, v = (exact[:, :, i, head] for i in range(3))
        weights = (q @ k.mT / channels**0.5).exp()
        heads.append(weights / weights.sum(-1, keepdim=True) @ v)
    expected = torch.cat(heads, dim=-1)
    (expected * factors).sum().backward()
    assert (found - expected).abs().max() < 1e-5
    assert (qkv.grad - exact.grad).abs().max() < 1e-5 * exact.grad.abs().max()


def test_where_packed_tokens_take_the_ways_of_others(fused):
    qkv = packed(17, 16)
    attend_packed(qkv)
    assert not fused
    attend_packed(qkv.requires_grad_(), dropout=0.5)
    attend_packed(qkv.double())
    assert len(fused) == 2
    with torch.autocast('cpu', dtype=torch.bfloat16):
        assert attend_packed(qkv.bfloat16()).dtype == torch.float32
    assert len(fused) == 2
    # Second derivatives are refused, not wrong.
    first, = torch.autograd.grad(
        attend_packed(qkv).square().sum(), qkv, create_graph=True)
    with pytest.raises(RuntimeError, match='differentiate twice'):
        first.sum().backward()
