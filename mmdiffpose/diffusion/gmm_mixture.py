# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Gaussian mixtures as tensors, batched over any leading dimensions.

The axis letters are n samples, M components, D dimensions (D = 3J for a pose
of J joints, joint-major: x0, y0, z0, x1, ...). Units are those of the data.
"""
from dataclasses import dataclass
from typing import Tuple

import torch
from torch import Tensor

COVARIANCE_TYPES = ('diag', 'joint', 'full')


@dataclass(frozen=True, eq=False)
class GaussianMixture:
    """A batch of Gaussian mixtures (Gong et al., DiffPose, CVPR 2023, Eq. 6).

    It holds square roots of the covariances, which is what noise is coloured
    with: their entries have the data's own scale, and a narrow direction of
    a wide component is not lost to rounding.

    Attributes:
        weights (Tensor): Probabilities of the components, (..., M).
        means (Tensor): (..., M, D).
        scale (Tensor): For 'diag' the standard deviations (..., M, D); else
            lower Cholesky factors L, Sigma = L L^T: for 'joint' one 3x3
            block a joint, (..., M, J, 3, 3) with D = 3J; for 'full'
            (..., M, D, D).
        covariance_type (str): 'diag', 'joint' or 'full'.

    Raises:
        ValueError: If the type is unknown or the shapes don't fit together.
    """
    weights: Tensor
    means: Tensor
    scale: Tensor
    covariance_type: str = 'diag'

    def __post_init__(self) -> None:
        if self.means.dim() < 2 or self.means.shape[:-1] != self.weights.shape:
            raise ValueError(
                'weights (..., M) and means (..., M, D) expected, got '
                f'{tuple(self.weights.shape)} and {tuple(self.means.shape)}')
        expected = self.weights.shape + scale_shape(self.covariance_type,
                                                    self.means.shape[-1])
        if self.scale.shape != expected:
            raise ValueError(f'a {self.covariance_type!r} scale of shape '
                             f'{tuple(expected)} expected, got '
                             f'{tuple(self.scale.shape)}')

    def component_mean(self, component: Tensor) -> Tensor:
        """mu_m of each sample's component: (..., n) -> (..., n, D)."""
        return _gather(self.means, component)

    def colour(self, component: Tensor, white: Tensor) -> Tensor:
        """Gives standard normal noise the covariance of a component.

        Args:
            component (Tensor): The component of each sample, (..., n).
            white (Tensor): Draws of N(0, I), (..., n, D).

        Returns:
            Tensor: Centred noise of Eq. 7, eps^G = L_m z, (..., n, D).
        """
        if self.covariance_type == 'diag':
            return white * _gather(self.scale, component)
        noise = torch.zeros_like(white)
        for m in range(self.weights.shape[-1]):
            factor = self.scale.select(self.weights.dim() - 1, m)
            shaped = _colour(factor, white, self.covariance_type == 'joint')
            noise = torch.where((component == m)[..., None], shaped, noise)
        return noise


def scale_shape(covariance_type: str, num_dims: int) -> Tuple[int, ...]:
    """Shape of one component's scale, see :class:`GaussianMixture`.

    Raises:
        ValueError: If the type is unknown, or 'joint' and D isn't 3J.
    """
    if covariance_type == 'diag':
        return (num_dims, )
    if covariance_type == 'full':
        return (num_dims, num_dims)
    if covariance_type != 'joint':
        raise ValueError(f'covariance_type must be one of {COVARIANCE_TYPES}, '
                         f'got {covariance_type!r}')
    if num_dims % 3:
        raise ValueError("a 'joint' covariance needs D = 3 * joints "
                         f'dimensions, got D = {num_dims}')
    return (num_dims // 3, 3, 3)


def _gather(values: Tensor, component: Tensor) -> Tensor:
    """Rows of (..., M, D) picked by (..., n)."""
    return values.gather(
        -2, component[..., None].expand(*component.shape, values.shape[-1]))


def _colour(factor: Tensor, white: Tensor, joint: bool) -> Tensor:
    """L z for factors (..., D, D) or (..., J, 3, 3) and z (..., n, D)."""
    if not joint:
        return white @ factor.transpose(-1, -2)
    blocks = white.unflatten(-1, (-1, 3))
    return torch.einsum('...jab,...njb->...nja', factor, blocks).flatten(-2)
