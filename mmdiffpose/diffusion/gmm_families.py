# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The two steps of EM as matrix products, per structure of the covariance.

Axis letters: P problems, n samples, M components, D dimensions; blocks of b
dimensions, J of them. The samples come whitened (their covariance as a whole,
restricted to the structure, is the identity) and transposed, (P, D, n), so
that every elementwise operation runs along the samples.
"""
import math
from typing import NamedTuple, Protocol, Tuple

import torch
from torch import Tensor

# Mass of the whole data's moments that each component carries besides its
# own. It is far below one sample, so it only matters to a component that has
# lost all samples: that one becomes as broad as the data, with no weight.
PRIOR_MASS = 1e-10


class Parameters(NamedTuple):
    """Mixtures in whitened coordinates.

    Attributes:
        log_weights (Tensor): (P, M).
        means (Tensor): (P, M, D).
        factor (Tensor): Lower Cholesky factors of the covariances, in the
            family's own layout, (P, M, ...).
    """
    log_weights: Tensor
    means: Tensor
    factor: Tensor


class Family(Protocol):
    """What EM needs to know about a covariance's structure."""

    block: int

    def prepare(self, x: Tensor) -> Tensor:
        """Whatever both steps read in each iteration; (P, D, n) -> (P, ...).
        """

    def log_joint(self, data: Tensor, params: Parameters) -> Tensor:
        """log(pi_m N(x; mu_m, Sigma_m)), (P, M, n)."""

    def estimate(self, data: Tensor, mass: Tensor,
                 ridge: Tensor) -> Parameters:
        """The M-step, of samples with mass (P, M, n) in each component.

        `ridge` (P, J, b, b) is added to the covariances.
        """

    def smallest_pivot(self, params: Parameters) -> Tensor:
        """Smallest squared Cholesky pivot of each problem, (P,)."""

    def factor_blocks(self, params: Parameters) -> Tensor:
        """The factors as matrices, (P, M, J, b, b)."""


class BlockFamily:
    """Block-diagonal covariances with small blocks, unrolled.

    A Gaussian is an exponential family: with the features
    phi(x) = (x_i x_j within a block, x, 1) its log-density is linear in phi,
    so the E-step is one product of natural parameters and features and the
    M-step one product of masses and features.

    Args:
        num_dims (int): D.
        block (int): b; 1 for diagonal covariances.
    """

    def __init__(self, num_dims: int, block: int) -> None:
        self.num_dims = num_dims
        self.block = block
        self.num_blocks = num_dims // block
        self.pairs = [(i, j) for i in range(block) for j in range(i + 1)]

    def prepare(self, x: Tensor) -> Tensor:
        """The features, (P, F, n) with F = J b (b + 1) / 2 + D + 1."""
        blocks = x.unflatten(1, (self.num_blocks, self.block))
        products = [blocks[:, :, i] * blocks[:, :, j] for i, j in self.pairs]
        by_axis = blocks.transpose(1, 2).flatten(1, 2)
        return torch.cat((*products, by_axis, torch.ones_like(x[:, :1])), 1)

    def log_joint(self, data: Tensor, params: Parameters) -> Tensor:
        """See :class:`Family`."""
        return torch.bmm(self._natural(params), data)

    def _natural(self, params: Parameters) -> Tensor:
        """Natural parameters, (P, M, F)."""
        inverse = self._inverse_factor(params)
        means = params.means.unflatten(
            2, (self.num_blocks, self.block)).unbind(-1)
        order = range(self.block)
        white = [
            sum(inverse[i, j] * means[j] for j in range(i + 1)) for i in order
        ]
        quadratic = []
        for i, j in self.pairs:
            precision = sum(inverse[k, i] * inverse[k, j]
                            for k in range(i, self.block))
            quadratic.append(precision * (-0.5 if i == j else -1.0))
        linear = [
            sum(inverse[k, i] * white[k] for k in range(i, self.block))
            for i in order
        ]
        bias = sum(inverse[i, i].log() - 0.5 * white[i].square()
                   for i in order).sum(
                       -1, keepdim=True)
        bias = bias + params.log_weights[..., None]
        bias = bias - 0.5 * self.num_dims * math.log(2 * math.pi)
        return torch.cat((*quadratic, *linear, bias), -1)

    def _inverse_factor(self, params: Parameters) -> dict:
        """Entries of the inverse Cholesky factors, each (P, M, J)."""
        factor = dict(zip(self.pairs, params.factor.unbind(2)))
        inverse = {}
        for j in range(self.block):
            inverse[j, j] = factor[j, j].reciprocal()
            for i in range(j + 1, self.block):
                inner = sum(factor[i, k] * inverse[k, j] for k in range(j, i))
                inverse[i, j] = -inner / factor[i, i]
        return inverse

    def estimate(self, data: Tensor, mass: Tensor,
                 ridge: Tensor) -> Parameters:
        """See :class:`Family`."""
        moments = torch.bmm(mass, data.transpose(1, 2))
        total = moments[..., -1:] + PRIOR_MASS
        moments = moments / total
        rows = moments[..., :-1].unflatten(-1, (-1, self.num_blocks))
        rows = rows.unbind(2)
        means = rows[len(self.pairs):]
        prior = PRIOR_MASS / total
        covariance = {}
        for (i, j), second in zip(self.pairs, rows):
            second = second + prior if i == j else second
            covariance[i, j] = (
                second - means[i] * means[j] + ridge[:, None, :, i, j])
        factor = self._cholesky(covariance)
        return Parameters(total[..., 0].log(),
                          torch.stack(means, -1).flatten(2), factor)

    def _cholesky(self, covariance: dict) -> Tensor:
        """Unrolled factorisation with the pivots kept above a floor."""
        floor = pivot_floor(covariance[0, 0].dtype)
        factor = {}
        for i, j in self.pairs:
            value = covariance[i, j]
            for k in range(j):
                value = value - factor[i, k] * factor[j, k]
            factor[i, j] = (
                value.clamp_min(floor).sqrt() if i == j else value /
                factor[j, j])
        return torch.stack(tuple(factor.values()), 2)

    def smallest_pivot(self, params: Parameters) -> Tensor:
        """See :class:`Family`."""
        diagonal = [row for row, (i, j) in enumerate(self.pairs) if i == j]
        return params.factor[:, :, diagonal].flatten(1).amin(1).square()

    def factor_blocks(self, params: Parameters) -> Tensor:
        """See :class:`Family`."""
        factor = params.factor
        blocks = factor.new_zeros(*factor.shape[:2], self.num_blocks,
                                  self.block, self.block)
        for row, (i, j) in enumerate(self.pairs):
            blocks[..., i, j] = factor[:, :, row]
        return blocks


class DenseFamily:
    """One full covariance, by Cholesky factors and large products.

    Args:
        num_dims (int): D.
    """

    def __init__(self, num_dims: int) -> None:
        self.num_dims = num_dims
        self.block = num_dims

    def prepare(self, x: Tensor) -> Tensor:
        """The samples with a row of ones, (P, D + 1, n)."""
        return torch.cat((x, torch.ones_like(x[:, :1])), 1)

    def log_joint(self, data: Tensor, params: Parameters) -> Tensor:
        """See :class:`Family`."""
        eye = torch.eye(self.num_dims, dtype=data.dtype, device=data.device)
        inverse = torch.linalg.solve_triangular(
            params.factor, eye.expand_as(params.factor), upper=False)
        offset = inverse @ params.means[..., None]
        affine = torch.cat((inverse, -offset), -1)  # (P, M, D, D + 1)
        white = torch.bmm(affine.flatten(1, 2), data)
        square = white.square_().unflatten(1, (-1, self.num_dims)).sum(
            2)  # (P, M, n)
        diagonal = inverse.diagonal(dim1=-2, dim2=-1)
        bias = params.log_weights + diagonal.log().sum(-1)
        bias = bias - 0.5 * self.num_dims * math.log(2 * math.pi)
        return torch.add(bias[..., None], square, alpha=-0.5)

    def estimate(self, data: Tensor, mass: Tensor,
                 ridge: Tensor) -> Parameters:
        """See :class:`Family`."""
        weighted = (mass[:, :, None] * data[:, None]).flatten(1, 2)
        moments = torch.bmm(weighted, data.transpose(1, 2)).unflatten(
            1, (-1, self.num_dims + 1))  # (P, M, D + 1, D + 1)
        total = moments[..., -1, -1] + PRIOR_MASS
        moments = moments / total[..., None, None]
        means = moments[..., -1, :-1]
        covariance = (
            moments[..., :-1, :-1] - means[..., None] * means[..., None, :] +
            ridge)
        floor = pivot_floor(data.dtype)
        covariance.diagonal(
            dim1=-2, dim2=-1).add_((PRIOR_MASS / total + floor)[..., None])
        return Parameters(total.log(), means, _safe_cholesky(covariance))

    def smallest_pivot(self, params: Parameters) -> Tensor:
        """See :class:`Family`."""
        diagonal = params.factor.diagonal(dim1=-2, dim2=-1)
        return diagonal.flatten(1).amin(1).square()

    def factor_blocks(self, params: Parameters) -> Tensor:
        """See :class:`Family`."""
        return params.factor[:, :, None]


def pivot_floor(dtype: torch.dtype) -> float:
    """Smallest variance in whitened coordinates: what rounding leaves."""
    return 1e-6 if dtype == torch.float32 else 1e-12


def _safe_cholesky(covariance: Tensor) -> Tensor:
    """Cholesky factors; of the diagonal alone where a matrix has none."""
    factor, info = torch.linalg.cholesky_ex(covariance)
    floor = pivot_floor(covariance.dtype)
    spread = covariance.diagonal(dim1=-2, dim2=-1).clamp_min(floor).sqrt()
    return torch.where((info == 0)[..., None, None], factor,
                       torch.diag_embed(spread))


def family_of(covariance_type: str, num_dims: int) -> Tuple[Family, int]:
    """The family that fits a covariance type, and its number of blocks J."""
    if covariance_type == 'diag':
        return BlockFamily(num_dims, 1), num_dims
    if covariance_type == 'joint':
        return BlockFamily(num_dims, 3), num_dims // 3
    if num_dims <= 4:
        return BlockFamily(num_dims, num_dims), 1
    return DenseFamily(num_dims), 1
