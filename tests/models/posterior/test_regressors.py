# Copyright (c) mmdiffpose contributors. All rights reserved.
import math

import pytest
import torch

from mmdiffpose.models.posterior import RefiningRegressor, ResidualStdRegressor
from mmdiffpose.registry import MODELS

J, C = 5, 4


def inputs(seed=1):
    g = torch.Generator().manual_seed(seed)
    return (torch.randn(2, 3, J, C, generator=g),
            torch.randn(2, 3, J, 3,
                        generator=g), (torch.rand(2, 3, J, generator=g)
                                       > 0.5).float())


def build(name, **kwargs):
    torch.manual_seed(0)
    return MODELS.build(
        dict(
            type=f'mmdiffpose.{name}',
            in_channels=C,
            num_joints=J,
            width=16,
            **kwargs))


def test_before_training_the_pose_is_the_first_heads_and_the_std_as_told():
    features, coarse, seen = inputs()
    refine = build('RefiningRegressor')
    assert torch.equal(refine(features, coarse, seen), coarse)
    std = build('ResidualStdRegressor', initial_std=0.07)
    torch.testing.assert_close(
        std(features, coarse), torch.full_like(coarse, 0.07))


@pytest.mark.parametrize('name', ['RefiningRegressor', 'ResidualStdRegressor'])
def test_all_joints_are_seen_and_nothing_before_is_trained(name):
    features, coarse, seen = inputs()
    net = build(name)
    torch.nn.init.normal_(net.output.weight)
    base = net(features, coarse, seen)
    for tensor in (features, coarse, seen):
        changed = [t.clone() for t in (features, coarse, seen)]
        position = next(i for i, t in enumerate((features, coarse, seen))
                        if t is tensor)
        # One number of joint 3, of one frame.
        changed[position].view(2, 3, J, -1)[1, 2, 3, 0] += 0.5
        moved = (net(*changed) - base).abs() > 0
        assert bool(moved[1, 2].all())
        assert not bool(moved[0].any()) and not bool(moved[1, :2].any())
    features.requires_grad_()
    coarse.requires_grad_()
    net(features, coarse, seen).sum().backward()
    assert features.grad is None and coarse.grad is None
    assert net.input.weight.grad is not None


def test_joints_count_as_seen_by_default():
    features, coarse, _ = inputs()
    net = build('RefiningRegressor')
    torch.nn.init.normal_(net.output.weight)
    torch.testing.assert_close(
        net(features, coarse), net(features, coarse, torch.ones(2, 3, J)))


def test_likelihood_by_hand():
    """One joint known: ln 0.5 + (0.3^2 / 0.5^2) / 2, over three axes."""
    std = torch.full((1, 1, 2, 3), 0.5, requires_grad=True)
    poses = torch.zeros(1, 1, 2, 3, requires_grad=True)
    target = torch.tensor([[[[0.3, 0., 0.], [9., 9., 9.]]]])
    weight = torch.tensor([[[1., 0.]]])
    loss = ResidualStdRegressor.likelihood_loss(std, poses, target, weight)
    assert loss.item() == pytest.approx(math.log(0.5) + 0.36 / 2 / 3)
    loss.backward()
    assert poses.grad is None
    assert bool((std.grad[0, 0, 1] == 0).all())


def test_the_likelihood_finds_the_residuals_own_std():
    g = torch.Generator().manual_seed(0)
    features = torch.randn(512, 1, J, C, generator=g)
    # Frames of two kinds, which one joint's features tell.
    features[:256, :, 1, 2] = 3.
    features[256:, :, 1, 2] = -3.
    true = torch.full((512, 1, J, 3), 0.05)
    true[256:] = 0.15
    poses = torch.zeros(512, 1, J, 3)
    net = build('ResidualStdRegressor')
    optimizer = torch.optim.Adam(net.parameters(), 0.01)
    for _ in range(150):
        target = true * torch.randn(true.shape, generator=g)
        loss = net.likelihood_loss(net(features, poses), poses, target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    ratio = net(features, poses) / true
    for kind in ratio.split(256):
        assert kind.mean().item() == pytest.approx(1., abs=0.1)
        assert kind.std().item() < 0.2


def test_std_stays_above_the_floor_and_finite():
    net = build('ResidualStdRegressor', min_std=0.003)
    features, poses, _ = inputs()
    torch.nn.init.constant_(net.output.bias, -1e4)
    assert net(features, poses).min().item() >= 0.003
    torch.nn.init.constant_(net.output.bias, 1e4)
    assert bool(net(features, poses).isfinite().all())
    with pytest.raises(ValueError, match='min_std'):
        build('ResidualStdRegressor', initial_std=0.001)


def test_other_features_are_refused():
    features, coarse, _ = inputs()
    net = RefiningRegressor(in_channels=C, num_joints=J)
    with pytest.raises(ValueError, match='RefiningRegressor.*5, 4'):
        net(features[..., :3], coarse)
