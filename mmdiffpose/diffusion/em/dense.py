# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The two steps of EM for large blocks, by Cholesky factors.

There is one block, J = 1. The samples carry a row of ones, (P, D + 1, n),
which makes the means and the mass part of the products; the moments are
(P, M, D + 1, D + 1).
"""
from typing import Tuple

import torch
from torch import Tensor

from .frame import invert_lower, safe_cholesky


def dense_samples(rows: Tensor, whitener: Tensor) -> Tensor:
    """The whitened samples with their row of ones, (P, D + 1, n).

    Args:
        rows (Tensor): Squares, samples and ones, (P, 2D + 1, n).
        whitener (Tensor): (P, 1, D, D).
    """
    white = torch.matmul(whitener[:, 0], rows[:, whitener.shape[-1]:-1])
    return torch.cat((white, rows[:, -1:]), 1)


def dense_moments(samples: Tensor, mass: Tensor) -> Tensor:
    """The M-step's sums for masses (P, M, n)."""
    weighted = (mass[:, :, None] * samples[:, None]).flatten(1, 2)
    moments = torch.bmm(weighted, samples.transpose(1, 2))
    return moments.unflatten(1, (-1, samples.shape[1]))


def dense_log_joint(samples: Tensor, moments: Tensor, ridge: Tensor) -> Tensor:
    """log(mass_m N(x; mu_m, Sigma_m)) + D / 2 log(2 pi), (P, M, n)."""
    mass, means, covariance = dense_central(moments, ridge)
    inverse = invert_lower(safe_cholesky(covariance))
    offset = torch.matmul(inverse, means[..., None])
    affine = torch.cat((inverse, -offset), -1)  # (P, M, D, D + 1)
    white = torch.bmm(affine.flatten(1, 2), samples)
    square = white.square_().unflatten(1, affine.shape[1:3]).sum(2)
    bias = mass.log() + inverse.diagonal(dim1=-2, dim2=-1).log().sum(-1)
    return torch.add(bias[..., None], square, alpha=-0.5)


def dense_central(moments: Tensor,
                  ridge: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
    """Masses (P, M), means (P, M, D), covariances (P, M, D, D)."""
    mass = moments[..., -1, -1]
    normal = moments / mass[..., None, None]
    means = normal[..., -1, :-1]
    covariance = torch.addcmul(
        normal[..., :-1, :-1], means[..., None], means[..., None, :], value=-1)
    return mass, means, covariance + ridge
