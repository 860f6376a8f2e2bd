# Copyright (c) mmdiffpose contributors. All rights reserved.
"""From training on data whose distribution is known to two evaluations."""
import pytest
import torch

from mmdiffpose.models.posterior import ResidualDiffusion

J, C = 2, 16
SPREAD = 0.05
"""Metres; the std that the regression predicts, which is the true one."""


def posterior(n, generator, context=None):
    """Features, and poses drawn given them; the mean is 0.

    The joints' x are correlated, 0.7. The second joint's z has two modes of
    std 0.3 at 0.954 and -0.954, the first with the share 0.5 + 0.35 c; so
    its mean is 0.668 c and its variance 1 - 0.446 c^2. The rest is white.
    """
    features = 2 * torch.rand(n, 1, J, C, generator=generator) - 1
    if context is not None:
        features[..., 0, 1] = context
    c = features[..., 0, 1]
    white = torch.randn(n, 1, J, 3, generator=generator)
    u = white.clone()
    u[..., 1, 0] = 0.7 * u[..., 0, 0] + 0.51**0.5 * white[..., 1, 0]
    first = torch.rand(n, 1, generator=generator) < 0.5 + 0.35 * c
    u[..., 1, 2] = 0.3 * white[..., 1, 2] + torch.where(first, 0.954, -0.954)
    return features, SPREAD * u


@pytest.fixture(scope='module')
def trained():
    torch.manual_seed(0)
    g = torch.Generator().manual_seed(0)
    module = ResidualDiffusion(
        dict(type='mmdiffpose.ResidualMLP', width=32), C, J)
    steps = 500
    optimizer = torch.optim.AdamW(module.parameters(), 4e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    mean = torch.zeros(256, 1, J, 3)
    std = torch.full_like(mean, SPREAD)
    for _ in range(steps):
        features, target = posterior(256, g)
        loss = module.loss(features, mean, std, target, generator=g)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return module.eval()


@pytest.mark.parametrize('context', [-0.8, 0., 0.8])
def test_two_evaluations_sample_the_posterior(trained, context):
    g = torch.Generator().manual_seed(1)
    features, _ = posterior(1, g, context)
    mean = torch.zeros(1, 1, J, 3)
    samples = trained.sample(features, mean, torch.full_like(mean, SPREAD),
                             torch.randn(1, 20000, 1, J, 3, generator=g))
    u = samples[0, :, 0].flatten(1) / SPREAD
    true_mean, true_std = torch.zeros(6), torch.ones(6)
    true_mean[5] = 0.668 * context
    true_std[5] = (1 - 0.446 * context**2)**0.5
    torch.testing.assert_close(u.mean(dim=0), true_mean, atol=0.1, rtol=0)
    torch.testing.assert_close(u.std(dim=0), true_std, atol=0.04, rtol=0)
    correlation = u.T.corrcoef()
    expected = torch.eye(6)
    expected[0, 3] = expected[3, 0] = 0.7
    torch.testing.assert_close(correlation, expected, atol=0.03, rtol=0)
    share = (u[:, 5] > 0).float().mean().item()
    assert share == pytest.approx(0.5 + 0.35 * context, abs=0.05)
    # Between the modes there is next to nothing, unlike in a Gaussian.
    between = (u[:, 5].abs() < 0.2).float().mean().item()
    assert between < 0.08
