# Copyright (c) mmdiffpose contributors. All rights reserved.
import numpy as np
import pytest
import torch
from lifter_factory import build
from torch.nn import functional as F

from mmdiffpose.models.encoders import GraFormer
from mmdiffpose.models.layers import (ChebConv, LearnedGraphMLP,
                                      ResidualChebBlock, StdLayerNorm,
                                      random_walk_laplacian)
from mmdiffpose.skeletons import H36M_17


def count(module):
    return sum(p.numel() for p in module.parameters())


def small(**kwargs):
    torch.manual_seed(0)
    return GraFormer(embed_dims=16, num_layers=2, **kwargs).eval()


def released_laplacian():
    """Row-normalised graph with self-loops, written out edge by edge."""
    edges = [(0, 1), (1, 2), (2, 3), (0, 4), (4, 5), (5, 6), (0, 7), (7, 8),
             (8, 9), (9, 10), (8, 11), (11, 12), (12, 13), (8, 14), (14, 15),
             (15, 16)]
    looped = np.eye(17)
    for i, j in edges:
        looped[i, j] = looped[j, i] = 1
    normalized = looped / looped.sum(1, keepdims=True)
    scale = np.diag(normalized.sum(1)**-0.5)
    return np.eye(17) - scale @ normalized @ scale


def test_parameter_count_of_the_released_encoder():
    head = build(dict(type='mmdiffpose.GraphRegressionHead', in_channels=96))
    assert count(GraFormer()) + count(head) == 654_344


def test_filters_start_as_in_the_released_code():
    """Xavier's rule on the released tensor; poses start within reach."""
    torch.manual_seed(0)
    released = torch.empty(3, 1, 96, 96)
    torch.nn.init.xavier_normal_(released)
    model = GraFormer()
    for conv in (model.graph_blocks[0].conv1, model.graph_blocks[4].conv2):
        torch.testing.assert_close(
            conv.linear.weight.std(), released.std(), rtol=0.02, atol=0)
    head = build(dict(type='mmdiffpose.GraphRegressionHead', in_channels=96))
    poses = head.regress(model.eval()(torch.rand(8, 1, 17, 2) * 2 - 1))
    assert poses.norm(dim=-1).mean() < 1


def test_parameter_count_of_a_block_with_step_embedding():
    adjacency = H36M_17.adjacency()
    plain = ResidualChebBlock(96, adjacency)
    embedded = ResidualChebBlock(96, adjacency, embed_channels=384)
    assert count(plain) == 2 * (3 * 96 * 96 + 96)
    assert count(embedded) - count(plain) == 384 * 96 + 96


def test_laplacian_of_the_released_code():
    ours = random_walk_laplacian(H36M_17.adjacency())
    np.testing.assert_allclose(ours, released_laplacian(), atol=1e-12)
    values = np.linalg.eigvals(ours).real
    assert values.min() > -1e-9 and 1.36 < values.max() < 1.38
    with pytest.raises(ValueError, match='laplacian.*symmetric.*plain'):
        ChebConv(2, 3, H36M_17.adjacency(), laplacian='plain')


def test_cheb_conv_with_the_released_laplacian_against_the_definition():
    torch.manual_seed(0)
    layer = ChebConv(5, 7, H36M_17.adjacency(), laplacian='random_walk')
    lap = torch.from_numpy(released_laplacian()).float()
    x = torch.randn(2, 17, 5)
    terms = torch.stack([x, lap @ x, 2 * lap @ (lap @ x) - x])
    # (K + 1, in, out), as released weights are stored.
    weight = layer.linear.weight.reshape(7, 3, 5).permute(1, 2, 0)
    expected = (terms @ weight[:, None]).sum(0) + layer.linear.bias
    torch.testing.assert_close(layer(x), expected)


def test_layer_norm_divides_by_the_unbiased_std():
    norm = StdLayerNorm(8)
    torch.nn.init.normal_(norm.weight)
    torch.nn.init.normal_(norm.bias)
    x = torch.randn(3, 17, 8, dtype=torch.float64).float() * 5
    rows = x.numpy().astype(np.float64)
    expected = (rows - rows.mean(-1, keepdims=True)) / (
        rows.std(-1, ddof=1, keepdims=True) + 1e-6)
    expected = expected * norm.weight.detach().numpy() + (
        norm.bias.detach().numpy())
    np.testing.assert_allclose(
        norm(x).detach().numpy(), expected, rtol=1e-4, atol=1e-5)
    flat = torch.ones(1, 8, requires_grad=True)
    norm(flat).sum().backward()
    assert flat.grad.isfinite().all()


def test_learned_graph_against_the_definition():
    torch.manual_seed(0)
    layer = LearnedGraphMLP(6, 17)
    assert torch.equal(layer.adjacency, torch.eye(17))
    with torch.no_grad():
        layer.adjacency += torch.rand(17, 17)
    matrix = layer.adjacency.detach()
    degree = torch.tensor([matrix[:, j].sum() + 1e-5 for j in range(17)])
    lap = torch.diag(degree**-0.5) @ matrix @ torch.diag(degree**-0.5)
    x = torch.randn(2, 17, 6)
    expected = layer.fc2(lap @ F.relu(layer.fc1(lap @ x)))
    torch.testing.assert_close(layer(x), expected)
    with torch.no_grad():
        layer.adjacency.fill_(-1)
    assert layer(x).isfinite().all()


def test_the_embedding_enters_between_the_two_convolutions():
    torch.manual_seed(0)
    block = ResidualChebBlock(6, H36M_17.adjacency(), embed_channels=4).eval()
    x, embedding = torch.randn(2, 17, 6), torch.randn(2, 4)
    middle = F.relu(block.conv1(x)) + block.embed_proj(
        embedding * embedding.sigmoid())[:, None]
    expected = x + F.relu(block.conv2(middle))
    torch.testing.assert_close(block(x, embedding), expected)
    with pytest.raises(ValueError, match='with and got none'):
        block(x)
    with pytest.raises(ValueError, match='without and got one'):
        ResidualChebBlock(6, H36M_17.adjacency())(x, embedding)


def test_frames_are_encoded_alone():
    model = small(standardize=True)
    x = torch.randn(3, 4, 17, 2)
    out = model(x)
    assert isinstance(out, tuple) and out[0].shape == (3, 4, 17, 16)
    single = model(x[1:2, 2:3])[0]
    torch.testing.assert_close(single[0, 0], out[0][1, 2])


def test_every_joint_reaches_every_output():
    x = torch.randn(1, 1, 17, 2, requires_grad=True)
    small()(x)[0][0, 0, 8, 0].backward()
    assert (x.grad.abs().sum(-1) > 0).all()


def test_standardising_removes_position_and_size_only():
    model = small(standardize=True)
    x = torch.randn(2, 1, 17, 2)
    out = model(x)[0]
    moved = model(3 * x + torch.tensor([0.5, -2.]))[0]
    torch.testing.assert_close(moved, out, atol=1e-4, rtol=1e-4)
    assert (small()(x + 1)[0] - small()(x)[0]).abs().max() > 1e-2


@pytest.mark.parametrize('shape', [(1, 8, 16, 2), (1, 9, 17, 3), (9, 17, 2)])
def test_another_shape_is_an_error_that_names_both(shape):
    with pytest.raises(ValueError, match=r'17, 2.*but got'):
        small()(torch.randn(shape))
    with pytest.raises(ValueError, match='16'):
        small(num_joints=16)
