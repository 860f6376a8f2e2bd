# Copyright (c) mmdiffpose contributors. All rights reserved.
"""A limb that points to the camera or away from it: both are drawn, in the
right shares."""
import math

import pytest
import torch

from mmdiffpose.registry import MODELS

LENGTH = .3


def limbs(offset, share, generator):
    """A two-joint body seen from far away.

    The limb of 0.3 m seems ``offset`` times as long; the rest is depth, z =
    -+ 0.3 sqrt(1 - offset^2), towards the camera with probability ``share``.
    Its mean and std are known: (1 - 2 share) z and 2 z sqrt(share (1 -
    share)).

    Returns:
        features, mean, std and target of ``diffusion.loss``.
    """
    depth = LENGTH * (1 - offset**2).sqrt()
    toward = torch.rand(offset.shape, generator=generator) < share
    target = torch.zeros(len(offset), 1, 2, 3)
    target[:, 0, 1, 0] = LENGTH * offset
    target[:, 0, 1, 2] = torch.where(toward, -depth, depth)
    mean = target.clone()
    mean[:, 0, 1, 2] = (1 - 2 * share) * depth
    std = torch.full_like(target, .01)
    std[:, 0, 1, 2] = 2 * depth * (share * (1 - share)).sqrt()
    # Nobody measures x exactly; the root is where it is.
    target[:, 0, 1, :2] += .01 * torch.randn(
        len(offset), 2, generator=generator)
    features = torch.zeros(len(offset), 1, 2, 4)
    features[:, 0, 1, 0], features[:, 0, 1, 1] = offset, share
    return features, mean, std, target


@pytest.fixture(scope='module')
def trained():
    torch.manual_seed(0)
    module = MODELS.build(
        dict(
            type='mmdiffpose.ResidualDiffusion',
            denoiser=dict(type='mmdiffpose.ResidualMLP', width=48),
            in_channels=4,
            num_joints=2,
            num_draws=4))
    optimizer = torch.optim.Adam(module.parameters(), 3e-3)
    generator = torch.Generator().manual_seed(1)
    steps = 400
    for step in range(steps):
        for group in optimizer.param_groups:
            group['lr'] = 3e-3 * (1 - step / steps)
        offset, share = torch.rand(2, 96, generator=generator)
        drawn = limbs(.2 + .7 * offset, .15 + .7 * share, generator)
        loss = module.loss(*drawn, generator=generator)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return module.eval()


@pytest.mark.parametrize('offset, share', [(.5, .5), (.8, .3), (.4, .75)])
def test_both_modes_in_the_right_shares(trained, offset, share):
    generator = torch.Generator().manual_seed(2)
    known = limbs(torch.tensor([offset]), torch.tensor([share]), generator)[:3]
    noise = torch.randn(1, 2000, 1, 2, 3, generator=generator)
    exact = LENGTH * math.sqrt(1 - offset**2)
    between = {}
    for evaluations in (1, 3, 8, 20):
        poses = trained.sample(*known, noise, evaluations=evaluations)
        depth = poses[0, :, 0, 1, 2]
        toward = (depth < 0).float().mean()
        assert toward == pytest.approx(share, abs=.04)
        between[evaluations] = (depth.abs() < exact / 2).float().mean()
        if evaluations > 1:
            for mode in (depth[depth < 0], depth[depth > 0]):
                assert mode.abs().mean() == pytest.approx(exact, rel=.1)
    # The Gaussian with the right mean and std has a heap where nothing is.
    std = 2 * math.sqrt(share * (1 - share))
    heap = torch.distributions.Normal(1 - 2 * share, std)
    filled = heap.cdf(torch.tensor(.5)) - heap.cdf(torch.tensor(-.5))
    assert between[8] < .04 < .25 < filled
    assert between[8] < between[3] < between[1] < filled
