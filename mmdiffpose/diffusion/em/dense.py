# Copyright (c) mmdiffpose contributors. All rights reserved.
"""EM for full covariances, by Cholesky factors and large products.

Axis letters: P problems, n samples, M components, D dimensions.
"""
from typing import Optional

import torch
from torch import Tensor

from .families import (PRIOR_MASS, Gaussians, Problems, invert_lower,
                       safe_cholesky)


class DenseFamily:
    """One full covariance, by Cholesky factors and large products."""

    def __init__(self, problems: Problems) -> None:
        white = problems.whitener[:, 0] @ problems.unit
        self.num_dims = white.shape[1]
        # The row of ones makes the means and the mass part of the products.
        self._samples = torch.cat((white, torch.ones_like(white[:, :1])), 1)
        self._transposed = self._samples.transpose(1, 2)
        shape = (len(white), problems.num_components, self.num_dims + 1)
        self._weighted = white.new_empty(*shape, white.shape[2])
        # In whitened coordinates the data have variance 1 and mean 0.
        self._prior = PRIOR_MASS * torch.eye(
            shape[-1], dtype=white.dtype, device=white.device)
        self._ridge = problems.ridge
        self.moments = white.new_zeros(*shape, shape[-1])

    def log_joint(self) -> Tensor:
        """See :class:`Family`."""
        log_mass, means, covariance = self.gaussians()
        inverse = invert_lower(safe_cholesky(covariance[:, :, 0]))
        offset = inverse @ means[..., None]
        affine = torch.cat((inverse, -offset), -1)  # (P, M, D, D + 1)
        white = torch.bmm(affine.flatten(1, 2), self._samples)
        square = white.square_().unflatten(1, (-1, self.num_dims)).sum(
            2)  # (P, M, n)
        bias = log_mass + inverse.diagonal(dim1=-2, dim2=-1).log().sum(-1)
        return torch.add(bias[..., None], square, alpha=-0.5)

    def update(self, mass: Tensor, frozen: Optional[Tensor] = None) -> None:
        """See :class:`Family`."""
        torch.mul(mass[:, :, None], self._samples[:, None], out=self._weighted)
        moments = torch.bmm(self._weighted.flatten(1, 2), self._transposed)
        moments = moments.view_as(self.moments).add_(self._prior)
        if frozen is not None:
            moments = torch.where(frozen[:, None, None, None], self.moments,
                                  moments)
        self.moments = moments

    def gaussians(self) -> Gaussians:
        """See :class:`Family`."""
        mass = self.moments[..., -1, -1]
        normal = self.moments / mass[..., None, None]
        means = normal[..., -1, :-1]
        covariance = torch.addcmul(
            normal[..., :-1, :-1],
            means[..., None],
            means[..., None, :],
            value=-1).add_(self._ridge)
        return Gaussians(mass.log(), means, covariance[:, :, None])
