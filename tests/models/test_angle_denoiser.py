# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Networks of steps as the F of scaled residuals."""
import math

import pytest
import torch

from mmdiffpose.models.denoisers import ResidualMLP
from mmdiffpose.models.denoisers.angle_denoiser import (AngleDenoiser,
                                                        VelocityNetwork,
                                                        build_velocity)
from mmdiffpose.models.layers import StepEmbedding
from mmdiffpose.models.posterior import ResidualDiffusion

T, C = 5, 6
GCN = dict(type='mmdiffpose.GCNAttention', channels=16, dropout=0.)
CSDI = dict(
    type='mmdiffpose.CSDIGCN',
    seq_len=T,
    channels=8,
    num_blocks=2,
    context_channels=4)


def network(config):
    torch.manual_seed(0)
    net = build_velocity(config, C, 17).eval()
    for value in net.parameters():
        if value.detach().unique().numel() == 1:
            torch.nn.init.normal_(value, std=0.3)
    return net


def inputs(B=2, N=3):
    g = torch.Generator().manual_seed(1)
    return (torch.randn(B, N, T, 17, 3,
                        generator=g), torch.randn(B, T, 17, C, generator=g))


def test_either_kind_of_network():
    light = build_velocity(dict(type='mmdiffpose.ResidualMLP', width=8), C, 17)
    assert isinstance(light, ResidualMLP)
    for config, temporal in ((GCN, False), (CSDI, True)):
        net = network(config)
        assert isinstance(net, AngleDenoiser)
        assert isinstance(net, VelocityNetwork)
        assert net.temporal is temporal


@pytest.mark.parametrize('config', [GCN, CSDI])
def test_angles_are_steps_from_1_to_50(config):
    net = network(config)
    angles = torch.tensor([0., math.pi / 4, math.pi / 2])
    torch.testing.assert_close(net.step(angles), torch.tensor([1., 25.5, 50.]))


@pytest.mark.parametrize('config', [GCN, CSDI])
def test_bound_it_says_the_same(config):
    net = network(config)
    z, context = inputs()
    angles = [1.2, 0.4, 0.]
    with torch.no_grad():
        if net.temporal:
            velocity = net.bind(context, angles)
            found = velocity(z, 1)
        else:
            velocity = net.bind(context.flatten(0, 1), angles)
            found = velocity(z.transpose(1, 2).flatten(0, 1), 1)
            found = found.unflatten(0, (2, T)).transpose(1, 2)
        expected = net(z, torch.full(z.shape[:3], 0.4), context)
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
        # The level and each hypothesis matter.
        assert not torch.allclose(
            net(z, torch.full(z.shape[:3], 1.2), context), expected)
        one = net(z[:, 1:2], torch.full((2, 1, T), 0.4), context)
        torch.testing.assert_close(one, expected[:, 1:2], rtol=1e-4, atol=1e-5)


def test_steps_between_rows_of_the_table():
    """A quarter of the way from row 3 to row 4, and the last row itself."""
    embedding = StepEmbedding(50)
    embedding.fc1 = torch.nn.Identity()
    embedding.fc1.weight = embedding.table
    table = embedding.table
    between = (3 * table[3] + table[4]) / 4
    embedding.fc2 = torch.nn.Identity()
    silu = torch.nn.functional.silu
    found = embedding(torch.tensor([3.25, 49.]))
    torch.testing.assert_close(found[0], silu(silu(between)))
    torch.testing.assert_close(found[1], silu(silu(table[49])))


def test_a_window_is_trained_with_one_noise_and_one_level(monkeypatch):
    """z - cos u is sin e: the same in all frames of a temporal network."""
    torch.manual_seed(0)
    module = ResidualDiffusion(CSDI, in_channels=C - 4, num_draws=2)
    module.noise = 'white'
    seen = {}

    def denoiser(z, angle, context):
        seen.update(z=z, angle=angle)
        return torch.zeros_like(z)

    monkeypatch.setattr(module, '_modules', {
        **module._modules, 'denoiser': None
    })
    denoiser.temporal = True
    object.__setattr__(module, 'denoiser', denoiser)
    g = torch.Generator().manual_seed(2)
    target = torch.randn(1, T, 17, 3, generator=g)
    zero, one = torch.zeros_like(target), torch.ones_like(target)
    loss = module.loss(torch.zeros(1, T, 17, 2), zero, one, target)
    angle = seen['angle']
    assert angle.shape == (1, 2, T)
    assert (angle == angle[..., :1]).all()
    assert angle[0, 0, 0] != angle[0, 1, 0]
    cos, sin = angle.cos()[..., None, None], angle.sin()[..., None, None]
    noise = (seen['z'] - cos * target[:, None]) / sin
    torch.testing.assert_close(
        noise, noise[:, :, :1].expand_as(noise), rtol=0, atol=1e-4)
    expected = (sin * target[:, None] - cos * noise).square().mean()
    torch.testing.assert_close(loss, expected)
