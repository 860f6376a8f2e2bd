# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The two steps of EM as matrix products, per structure of the covariance.

Axis letters: P problems, n samples, M components, D dimensions; blocks of b
dimensions, J of them. The samples come whitened (their covariance as a whole,
restricted to the structure, is about the identity) and transposed, (P, D, n),
so that every elementwise operation runs along the samples.

What EM carries from one iteration to the next are the moments of each
component: the sums, over the samples, of mass, mass times x and mass times
the products of x that the structure needs. A family object holds them, with
the samples of its problems.
"""
from typing import NamedTuple, Optional, Protocol

import torch
from torch import Tensor

# Mass of the whole data's moments that each component carries besides its
# own. It is far below one sample, so it only matters to a component that has
# lost all samples: that one becomes as broad as the data, with no weight.
PRIOR_MASS = 1e-10


class Gaussians(NamedTuple):
    """The components in whitened coordinates.

    Attributes:
        log_weights (Tensor): Up to a constant per problem, (P, M).
        means (Tensor): (P, M, D).
        covariance (Tensor): Before any floor, (P, M, J, b, b).
    """
    log_weights: Tensor
    means: Tensor
    covariance: Tensor


class Problems(NamedTuple):
    """What a family is made of.

    Attributes:
        unit (Tensor): Samples before whitening, (P, D, n).
        whitener (Tensor): Lower-triangular blocks, (P, J, b, b).
        weights (Tensor): Of the samples, with sum 1, (P, 1, n).
        ridge (Tensor): Added to the whitened covariances, (P, J, b, b).
        num_components (int): M.
    """
    unit: Tensor
    whitener: Tensor
    weights: Tensor
    ridge: Tensor
    num_components: int


class Family(Protocol):
    """What EM needs to know about a covariance's structure.

    Attributes:
        moments (Tensor): The state of EM, (P, M, ...).
    """

    moments: Tensor

    def log_joint(self) -> Tensor:
        """The E-step: log(mass_m N(x; mu_m, Sigma_m)) + D / 2 log(2 pi).

        Returns:
            Tensor: (P, M, n), valid until the next call.
        """

    def update(self, mass: Tensor, frozen: Optional[Tensor] = None) -> None:
        """The M-step, for masses (P, M, n); not of frozen problems (P,)."""

    def gaussians(self) -> Gaussians:
        """The components that the moments stand for."""


def apply_blocks(matrix: Tensor, x: Tensor) -> Tensor:
    """Block-diagonal matrices (P, J, b, b) times (P, D, n)."""
    if matrix.shape[-1] == 1:
        return matrix[..., 0] * x
    return (matrix @ x.unflatten(1, matrix.shape[1:3])).flatten(1, 2)


def pivot_floor(dtype: torch.dtype) -> float:
    """Smallest variance in whitened coordinates: what rounding leaves."""
    return 1e-6 if dtype == torch.float32 else 1e-12


def safe_cholesky(covariance: Tensor) -> Tensor:
    """Cholesky factors, (..., b, b), that always exist.

    The diagonal is raised by the floor; a matrix without a factor even so
    loses what is beside its diagonal.
    """
    floor = pivot_floor(covariance.dtype)
    diagonal = covariance.diagonal(dim1=-2, dim2=-1)
    if covariance.shape[-1] == 1:
        return covariance.clamp_min(floor).sqrt()
    raised = covariance + torch.diag_embed(floor * diagonal.clamp_min(1.0))
    factor, info = torch.linalg.cholesky_ex(raised)
    spread = diagonal.clamp_min(floor).sqrt()
    return torch.where((info == 0)[..., None, None], factor,
                       torch.diag_embed(spread))


def invert_lower(factor: Tensor) -> Tensor:
    """Inverses of lower-triangular matrices (..., b, b)."""
    eye = torch.eye(factor.shape[-1], dtype=factor.dtype, device=factor.device)
    return torch.linalg.solve_triangular(
        factor, eye.expand_as(factor), upper=False, left=False)


def block_size(covariance_type: str, num_dims: int) -> int:
    """b, the dimensions that a covariance type correlates."""
    return {'diag': 1, 'joint': 3, 'full': num_dims}[covariance_type]
