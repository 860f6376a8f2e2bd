# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Mixtures as PyTorch's own distributions, in float64: the reference."""
from typing import Tuple

import numpy as np
import torch
from torch import Tensor
from torch import distributions as D

from mmdiffpose.diffusion.gmm import GaussianMixture

TYPES = ('diag', 'joint', 'full')


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def dense_scale(mixture: GaussianMixture) -> Tensor:
    """The scale as matrices (..., M, D, D), block after block."""
    scale = mixture.scale.double()
    if mixture.covariance_type == 'diag':
        return torch.diag_embed(scale)
    if mixture.covariance_type == 'full':
        return scale
    num_dims = mixture.means.shape[-1]
    dense = scale.new_zeros(mixture.means.shape + (num_dims, ))
    for j in range(num_dims // 3):
        joint = slice(3 * j, 3 * j + 3)
        dense[..., joint, joint] = scale[..., j, :, :]
    return dense


def dense_covariance(mixture: GaussianMixture) -> Tensor:
    """Covariances as matrices, (..., M, D, D)."""
    scale = dense_scale(mixture)
    return scale @ scale.mT


def torch_twin(mixture: GaussianMixture) -> D.MixtureSameFamily:
    """The same mixtures as PyTorch's distribution."""
    return D.MixtureSameFamily(
        D.Categorical(probs=mixture.weights.double()),
        D.MultivariateNormal(
            mixture.means.double(), scale_tril=dense_scale(mixture)))


def log_prob(mixture: GaussianMixture, x: Tensor) -> Tensor:
    """Log-density of samples (..., n, D), (..., n)."""
    twin = torch_twin(mixture)
    return twin.log_prob(x.double().movedim(-2, 0)).movedim(0, -1)


def assert_same(a: GaussianMixture, b: GaussianMixture, **tolerance) -> None:
    """Whether weights, means and covariances agree."""
    for one, other in ((a.weights.double(), b.weights.double()),
                       (a.means.double(), b.means.double()),
                       (dense_covariance(a), dense_covariance(b))):
        torch.testing.assert_close(one, other, **tolerance)


def select(mixture: GaussianMixture, part) -> GaussianMixture:
    """Some mixtures of a batch."""
    return GaussianMixture(mixture.weights[part], mixture.means[part],
                           mixture.scale[part], mixture.covariance_type)


def moments(mixture: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Mean and variances (..., 2) of mixtures (..., M, 5)."""
    weight, mean, std = mixture[..., :1], mixture[..., 1:3], mixture[..., 3:]
    centre = (weight * mean).sum(-2)
    spread = std**2 + (mean - centre[..., None, :])**2
    return centre, (weight * spread).sum(-2)
