# Copyright (c) mmdiffpose contributors. All rights reserved.
import math

import pytest
import torch

from mmdiffpose.models.denoisers import ResidualMLP
from mmdiffpose.registry import MODELS

J, C = 5, 4


def network(seed=0, **kwargs):
    """A small network with an output layer that isn't zero."""
    torch.manual_seed(seed)
    net = MODELS.build(
        dict(
            type='mmdiffpose.ResidualMLP',
            context_channels=C,
            num_joints=J,
            width=8,
            **kwargs)).eval()
    torch.nn.init.normal_(net.output.weight)
    return net


def inputs(B=2, N=3, T=4, seed=1):
    g = torch.Generator().manual_seed(seed)
    return (torch.randn(B, N, T, J, 3,
                        generator=g), torch.rand(B, N, T, generator=g) + 0.2,
            torch.randn(B, T, J, C, generator=g))


def test_nothing_is_predicted_before_training():
    net = ResidualMLP(context_channels=C, num_joints=J)
    z, angle, context = inputs()
    assert net.width == 128
    assert torch.equal(net(z, angle, context), torch.zeros_like(z))


def test_each_hypothesis_and_frame_is_on_its_own():
    net = network()
    z, angle, context = inputs()
    out = net(z, angle, context)
    for b, n, t in ((0, 0, 0), (1, 2, 3), (0, 1, 2)):
        alone = net(z[b:b + 1, n:n + 1, t:t + 1],
                    angle[b:b + 1, n:n + 1, t:t + 1], context[b:b + 1,
                                                              t:t + 1])
        torch.testing.assert_close(alone[0, 0, 0], out[b, n, t])


def test_it_looks_at_all_joints_the_context_and_the_noise():
    net = network()
    z, angle, context = inputs()
    z.requires_grad_()
    angle.requires_grad_()
    context.requires_grad_()
    net(z, angle, context)[0, 0, 0, 1, 2].backward()
    assert bool((z.grad[0, 0, 0] != 0).all())
    assert bool((context.grad[0, 0] != 0).all())
    assert angle.grad[0, 0, 0] != 0


def test_the_bound_network_gives_what_forward_gives():
    net = network(num_blocks=2)
    z, _, context = inputs(T=1)
    angles = [1.3, 0.7, 0.2, 0.]
    velocity = net.bind(context[:, 0], angles)
    for level, angle in enumerate(angles[:-1]):
        expected = net(z, torch.full(z.shape[:3], angle), context)
        torch.testing.assert_close(
            velocity(z[:, :, 0], level), expected[:, :, 0])


def test_without_modulation_the_blocks_are_plain():
    """x + W2 GLU(W1 norm(x)), written out for one block."""
    net = network(num_blocks=1)
    for layer in (net.context_film, net.noise_film):
        torch.nn.init.zeros_(layer.weight)
    torch.nn.init.zeros_(net.context_film.bias)
    z, angle, context = inputs()
    x = net.input(z.flatten(-2))
    centred = x - x.mean(-1, keepdim=True)
    norm = centred / (centred.square().mean(-1, keepdim=True) + 1e-5).sqrt()
    value, gate = net.blocks[0].expand(norm).chunk(2, dim=-1)
    x = x + net.blocks[0].contract(value * torch.sigmoid(gate))
    torch.testing.assert_close(
        net(z, angle, context).flatten(-2), net.output(net.norm(x)))


def test_the_noise_is_told_apart_over_its_whole_range():
    """ln(sigma) / 4 at the ends and in the middle of what is sampled."""
    net = network()
    sigmas = torch.tensor([0.002, 0.05, 0.5, 1., 6., 80.])
    share = net.modulate_by_noise(sigmas.atan())
    assert share.shape == (6, 3 * 2 * 8)
    distance = torch.cdist(share, share) + 9 * torch.eye(6)
    assert distance.min() > 0.05
    assert bool(share.isfinite().all())


def test_the_parts_multiply_as_documented():
    """3 W^2 a block and nothing of the context per hypothesis."""
    net = ResidualMLP(context_channels=64, num_joints=17)
    per_hypothesis = [net.input, net.output] + [
        layer for block in net.blocks
        for layer in (block.expand, block.contract)
    ]
    products = sum(math.prod(layer.weight.shape) for layer in per_hypothesis)
    assert products == 3 * 3 * 128**2 + 2 * 51 * 128


def test_another_context_is_refused():
    net = network()
    z, angle, context = inputs()
    with pytest.raises(ValueError, match=r'\(5, 4\)'):
        net(z, angle, context[..., :3])
    with pytest.raises(ValueError, match=r'\(5, 4\)'):
        net.bind(context[0, :, :4], [1., 0.])
