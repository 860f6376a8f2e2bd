# Copyright (c) mmdiffpose contributors. All rights reserved.
import math

import pytest
import torch

from mmdiffpose.diffusion.gmm_mixture import GaussianMixture
from mmdiffpose.diffusion.preconditioning import (ResidualScale,
                                                  diffuse_residual,
                                                  draw_angles, mixture_start,
                                                  noise_condition)


def draws(*shape, seed=0):
    g = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=g, dtype=torch.float64)


@pytest.mark.parametrize('sigma', [0.002, 0.3, 1., 7.])
def test_the_loss_is_edms(sigma):
    """lambda(sigma) |D - u|^2 of Karras et al. (2022), Eq. 8 and Table 1 with
    sigma_data = 1, for a network output that is anything."""
    residual, noise, output = draws(3, 40, 2).unbind()
    angle = torch.tensor(math.atan(sigma), dtype=torch.float64)
    state, velocity = diffuse_residual(residual, noise, angle)
    x = residual + sigma * noise
    c_in = 1 / (sigma**2 + 1)**0.5
    torch.testing.assert_close(state, c_in * x)
    c_skip, c_out = 1 / (sigma**2 + 1), sigma / (sigma**2 + 1)**0.5
    denoised = c_skip * x + c_out * output
    weight = (sigma**2 + 1) / sigma**2
    torch.testing.assert_close(
        (output - velocity).square(),
        weight * (denoised - residual).square(),
        rtol=1e-6,
        atol=1e-9)
    assert noise_condition(angle).item() == pytest.approx(math.log(sigma) / 4)


def test_angles_to_train_on_are_edms_sigmas():
    """ln sigma has the mean and std that were asked for."""
    angles = draw_angles(draws(100000), mean=-0.4, std=1.2)
    logs = angles.tan().log()
    assert logs.mean().item() == pytest.approx(-0.4, abs=0.02)
    assert logs.std().item() == pytest.approx(1.2, abs=0.02)
    assert 0 < angles.min() and angles.max() < math.pi / 2


def test_residuals_and_poses():
    scale = ResidualScale(torch.tensor([1., 2.]), torch.tensor([0.5, 0.1]))
    residual = scale.to_residual(torch.tensor([2., 1.9]))
    torch.testing.assert_close(residual, torch.tensor([2., -1.]))
    torch.testing.assert_close(
        scale.to_poses(residual), torch.tensor([2., 1.9]))


@pytest.mark.parametrize('kind', ['diag', 'full'])
def test_the_start_is_the_mixture_widened(kind):
    """Against the mixture's own formula in scaled units: shares, means and
    covariances of its components, of 200,000 draws."""
    n, sigma = 200000, 0.5
    means = torch.tensor([[0.2, 0., -0.1], [-0.2, 0.3, 0.1]]).double()
    variances = torch.tensor([[0.01, 0.02, 0.03], [0.02, 0.01, 0.01]]).double()
    covariance = torch.diag_embed(variances)
    if kind == 'full':
        covariance[0, 0, 1] = covariance[0, 1, 0] = 0.012
    scale = torch.linalg.cholesky(covariance)
    if kind == 'diag':
        scale = variances.sqrt()
    mixture = GaussianMixture(
        torch.tensor([0.3, 0.7]).double(), means, scale, kind)
    g = torch.Generator().manual_seed(0)
    component = mixture.weights.multinomial(n, True, generator=g)
    poses = mixture.component_mean(component) + mixture.colour(
        component, draws(n, 3, seed=2))
    mean = torch.tensor([0.1, 0.1, 0.]).double()
    std = torch.tensor([0.2, 0.1, 0.05]).double()
    state = mixture_start(
        poses.view(1, n, 1, 1, 3), ResidualScale(mean, std),
        draws(n, 3, seed=1).view(1, n, 1, 1, 3), math.atan(sigma))
    state = state.view(n, 3)
    # z = x / sqrt(1 + sigma^2) with x ~ sum w N((m - mu)/s, S/(s s') +
    # sigma^2).
    for m in (0, 1):
        part = state[component == m] * (1 + sigma**2)**0.5
        torch.testing.assert_close(
            part.mean(dim=0), (means[m] - mean) / std, atol=0.04, rtol=0)
        torch.testing.assert_close(
            part.T.cov(),
            covariance[m] / (std[:, None] * std) +
            sigma**2 * torch.eye(3).double(),
            atol=0.06,
            rtol=0.02)
    assert (component == 0).double().mean().item() == pytest.approx(
        0.3, abs=0.005)
