# Copyright (c) mmdiffpose contributors. All rights reserved.
"""E[y | y + sigma e = x] for y from a Gaussian mixture in the plane.

Written in EDM's x and sigma with dense covariances, not in the angle.
"""
import torch
from torch import Tensor


class PerfectNetwork:
    """The exact denoiser of a mixture, for noise of a covariance.

    Args:
        weights (list[float]): (M, ).
        means (list): (M, D).
        covariances (list): (M, D, D).
        noise (list, optional): Covariance (D, D). Defaults to the identity.
    """

    def __init__(self, weights, means, covariances, noise=None) -> None:
        double = dict(dtype=torch.float64)
        self.weights = torch.tensor(weights, **double)
        self.means = torch.tensor(means, **double)
        self.covariances = torch.tensor(covariances, **double)
        size = self.means.shape[1]
        self.noise = (
            torch.eye(size, **double) if noise is None else torch.tensor(
                noise, **double))

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        """(n, D) to (n, D)."""
        logs, parts = [], []
        for weight, mean, covariance in zip(self.weights, self.means,
                                            self.covariances):
            total = covariance + sigma**2 * self.noise
            solved = torch.linalg.solve(total, (x - mean).T).T
            logs.append(weight.log() - torch.logdet(total) / 2 -
                        (solved * (x - mean)).sum(-1) / 2)
            parts.append(mean + solved @ covariance)
        shares = torch.stack(logs).softmax(dim=0)
        return (shares[..., None] * torch.stack(parts)).sum(dim=0)

    def preconditioned(self, scaled: Tensor, sigma: float) -> Tensor:
        """EDM's F of c_in x (Karras et al., 2022, Eq. 7 and Table 1)."""
        x = scaled * (sigma**2 + 1)**0.5
        skip = x / (sigma**2 + 1)
        return (self.denoise(x, sigma) - skip) * (sigma**2 + 1)**0.5 / sigma

    def draw(self, n: int, sigma: float, seed: int = 0) -> Tensor:
        """Noisy data x, (n, D)."""
        g = torch.Generator().manual_seed(seed)
        component = torch.multinomial(
            self.weights, n, replacement=True, generator=g)
        factors = torch.linalg.cholesky(self.covariances +
                                        sigma**2 * self.noise)
        white = torch.randn(
            n, self.means.shape[1], generator=g, dtype=torch.float64)
        return self.means[component] + torch.einsum('nij,nj->ni',
                                                    factors[component], white)

    def mean(self) -> Tensor:
        """(D, )."""
        return self.weights @ self.means

    def covariance(self) -> Tensor:
        """(D, D)."""
        offset = self.means - self.mean()
        between = (self.weights[:, None] * offset).T @ offset
        return between + (self.weights[:, None, None] *
                          self.covariances).sum(dim=0)


def correlated_gaussian() -> PerfectNetwork:
    """Off centre, unit spread, correlated; white noise."""
    return PerfectNetwork([1.], [[0.3, -0.2]], [[[1., 0.6], [0.6, 1.]]])


def two_modes(noise=None) -> PerfectNetwork:
    """Mean 0 and unit spread along both axes; the first axis has modes of 30
    and 70 %, std 0.3, that lie apart by 2.082; along the second one a
    Gaussian that goes with it."""
    gap = 0.91**0.5 / 0.21**0.5
    means = [[-0.7 * gap, 0.], [0.3 * gap, 0.]]
    within = [[0.09, 0.15], [0.15, 1.]]
    return PerfectNetwork([0.3, 0.7], means, [within, within], noise)
