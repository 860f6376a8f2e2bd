# Copyright (c) mmdiffpose contributors. All rights reserved.
r"""Eq. 7 with a mixture: :math:`\hat h_k` for every k against theory.

With component m fixed, :math:`\hat h_k` is Gaussian with mean
:math:`\mu_m + \sqrt{\alpha_k}(h_0 - \mu_m)` and covariance
:math:`(1 - \alpha_k)\Sigma_m`; over the components it is their mixture.
"""
import numpy as np
import pytest
import torch
from scipy.stats import norm

from mmdiffpose.diffusion.gmm_mixture import GaussianMixture
from mmdiffpose.diffusion.initial_distribution import pose_noise
from mmdiffpose.diffusion.noise import HypothesisNoise
from mmdiffpose.diffusion.process import DiffusionProcess
from mmdiffpose.diffusion.schedules import make_alphas

J, M, K, N = 2, 3, 50, 6000
D = 3 * J
PROCESS = DiffusionProcess(make_alphas('cosine', K))


def mixture(kind):
    """Weights, means and full covariances, and the mixture of that kind."""
    rng = np.random.default_rng(3)
    weights = np.array([0.5, 0.2, 0.3])
    means = rng.normal(0, 0.5, (M, D))
    root = rng.normal(0, 0.2, (M, D, D))
    full = root @ root.transpose(0, 2, 1) + 0.01 * np.eye(D)
    block = np.kron(np.eye(J), np.ones((3, 3)))
    if kind == 'diag':
        full = full * np.eye(D)
        stored = np.diagonal(full, axis1=1, axis2=2)**0.5
    elif kind == 'joint':
        full = full * block
        stored = np.linalg.cholesky(
            np.stack(
                [full[:, 3 * j:3 * j + 3, 3 * j:3 * j + 3] for j in range(J)],
                1))
    else:
        stored = np.linalg.cholesky(full)
    tensors = (
        torch.from_numpy(np.array(value)).float()[None, None]
        for value in (weights, means, stored))
    return (weights, means, full), GaussianMixture(*tensors, kind)


def diffused(kind, h0):
    """Samples of h_k (K + 1, N, D) and each one's component."""
    truth, gmm = mixture(kind)
    noise = HypothesisNoise([0], N, 1, J)
    model = pose_noise(gmm, noise)
    epsilon = model.colour(noise.normal())
    steps = [
        PROCESS.diffuse(h0, torch.full((1, N, 1), k), epsilon,
                        model.center).reshape(N, D) for k in range(K + 1)
    ]
    center = model.center.reshape(N, D).numpy()
    component = np.abs(center[:, None] - truth[1]).max(-1).argmin(1)
    return truth, torch.stack(steps).numpy(), component


H0 = torch.randn(1, 1, 1, J, 3, generator=torch.Generator().manual_seed(5))


@pytest.mark.parametrize('kind', ['diag', 'joint', 'full'])
def test_moments_at_every_step(kind):
    (weights, means, covariances), h, component = diffused(kind, H0)
    share = np.bincount(component, minlength=M) / N
    np.testing.assert_allclose(share, weights, atol=0.03)
    h0 = H0.numpy().reshape(D)
    for k in range(K + 1):
        a = float(PROCESS.alphas[k])
        centres = means + a**0.5 * (h0 - means)
        # Of each component: what one that changed with k would not give.
        for m in range(M):
            part = h[k][component == m]
            np.testing.assert_allclose(part.mean(0), centres[m], atol=0.04)
            np.testing.assert_allclose(
                np.cov(part.T), (1 - a) * covariances[m], atol=0.03)
        mean = weights @ centres
        offset = centres - mean
        covariance = np.einsum('m,mij->ij', weights,
                               (1 - a) * covariances) + np.einsum(
                                   'm,mi,mj->ij', weights, offset, offset)
        np.testing.assert_allclose(h[k].mean(0), mean, atol=0.04)
        np.testing.assert_allclose(np.cov(h[k].T), covariance, atol=0.04)


@pytest.mark.parametrize('kind', ['diag', 'joint', 'full'])
def test_one_component_and_one_noise_serve_all_steps(kind):
    """From any two steps of a sample its mean and noise can be told."""
    (_, means, _), h, component = diffused(kind, H0)
    a = PROCESS.alphas.numpy()
    h0 = H0.numpy().reshape(D)
    own = means[component]
    white = [(h[k] - own - a[k]**0.5 * (h0 - own)) / (1 - a[k])**0.5
             for k in range(1, K + 1)]
    for other in white[1:]:
        np.testing.assert_allclose(other, white[0], atol=2e-4)


@pytest.mark.parametrize('kind', ['diag', 'joint', 'full'])
def test_the_last_step_is_distributed_as_the_mixture(kind):
    """Kolmogorov-Smirnov along random directions, wherever h_0 is."""
    rng = np.random.default_rng(7)
    for h0 in (H0, H0 + 1):
        (weights, means, covariances), h, _ = diffused(kind, h0)
        for _ in range(8):
            direction = rng.normal(size=D)
            drawn = np.sort(h[K] @ direction)
            std = np.sqrt(
                np.einsum('i,mij,j->m', direction, covariances, direction))
            cdf = (weights * norm.cdf(
                (drawn[:, None] - means @ direction) / std)).sum(1)
            gap = np.abs(cdf - (np.arange(N) + 0.5) / N).max()
            assert gap < 1.95 / N**0.5  # one in a thousand is larger
        # The test can tell: half-way there it is another distribution.
        drawn = np.sort(h[K // 2] @ direction)
        cdf = (weights * norm.cdf(
            (drawn[:, None] - means @ direction) / std)).sum(1)
        assert np.abs(cdf - (np.arange(N) + 0.5) / N).max() > 0.05
