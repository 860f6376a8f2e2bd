# Copyright (c) mmdiffpose contributors. All rights reserved.
import math

import numpy as np
import pytest
import torch

from mmdiffpose.models.layers import (ChebConv, SelfAttention,
                                      normalized_laplacian,
                                      sinusoidal_embedding)
from mmdiffpose.skeletons import H36M_17


@pytest.mark.parametrize('leading', [(), (2, ), (2, 3), (0, )])
@pytest.mark.parametrize('channels', [7, 5, 3])
def test_cheb_conv_against_the_definition(channels, leading):
    torch.manual_seed(0)
    layer = ChebConv(5, channels, H36M_17.adjacency(), order=3)
    torch.nn.init.normal_(layer.linear.bias)
    lap = torch.from_numpy(normalized_laplacian(H36M_17.adjacency())).float()
    x = torch.randn(*leading, 17, 5)
    terms = [x, lap @ x]
    terms.append(2 * lap @ terms[1] - terms[0])
    terms.append(2 * lap @ terms[2] - terms[1])
    weights = layer.linear.weight.split(5, dim=1)
    expected = sum(t @ w.T for t, w in zip(terms, weights)) + layer.linear.bias
    torch.testing.assert_close(layer(x), expected)


def test_laplacian_is_symmetric_with_a_bounded_spectrum():
    lap = normalized_laplacian(H36M_17.adjacency())
    values = np.linalg.eigvalsh(lap)
    assert np.allclose(lap, lap.T)
    assert values.min() >= -1 - 1e-9 and values.max() <= 1 + 1e-9
    with pytest.raises(ValueError, match='neighbour'):
        normalized_laplacian(np.zeros((3, 3)))
    with pytest.raises(ValueError, match='symmetric'):
        normalized_laplacian(np.triu(np.ones((3, 3))))


def test_cheb_conv_of_order_k_reaches_k_bones_far():
    layer = ChebConv(1, 1, H36M_17.adjacency(), order=2)
    x = torch.randn(1, 17, 1, requires_grad=True)
    layer(x)[0, 3].sum().backward()  # right foot
    reached = x.grad[0, :, 0].nonzero().flatten().tolist()
    assert reached == [1, 2, 3]


def test_attention_against_the_definition():
    torch.manual_seed(0)
    layer = SelfAttention(8, num_heads=2).eval()
    x = torch.randn(3, 6, 8)
    q, k, v = layer.qkv(x).chunk(3, dim=-1)
    heads = []
    for h in (slice(0, 4), slice(4, 8)):
        weight = (q[..., h] @ k[..., h].transpose(1, 2) / math.sqrt(4))
        heads.append(weight.softmax(-1) @ v[..., h])
    expected = layer.proj(torch.cat(heads, dim=-1))
    torch.testing.assert_close(layer(x), expected)
    with pytest.raises(ValueError, match='multiple'):
        SelfAttention(9, num_heads=2)


def test_step_embedding():
    out = sinusoidal_embedding(torch.tensor([0, 7]), 6)
    frequencies = [1, 1e4**-0.5, 1e-4]
    assert out[0].tolist() == [0, 0, 0, 1, 1, 1]
    expected = ([math.sin(7 * f) for f in frequencies] +
                [math.cos(7 * f) for f in frequencies])
    torch.testing.assert_close(out[1], torch.tensor(expected))
    with pytest.raises(ValueError, match='even'):
        sinusoidal_embedding(torch.tensor([0]), 5)
