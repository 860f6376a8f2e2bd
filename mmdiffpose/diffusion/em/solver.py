# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The fit of a chunk of mixtures: standardise, start, iterate, undo.

Axis letters: P problems, n samples, M components, D dimensions, J covariance
blocks of b dimensions.
"""
import math
from dataclasses import dataclass
from typing import NamedTuple, Tuple

import torch
from torch import Tensor

from ..gmm_mixture import covariance_shape
from .dense import DenseFamily
from .families import (Family, Gaussians, Problems, apply_blocks, block_size,
                       invert_lower, safe_cholesky)
from .linear import BlockFamily, DiagonalFamily
from .start import initial_membership

# What EM reads in each iteration should stay in a core's second-level cache,
# unless the problems are so small that the calls cost more than the work.
_CPU_GROUP_BYTES = {'diag': 1400 << 10, 'joint': 5 << 20, 'full': 5 << 20}
GPU_GROUP_BYTES = 4 << 30
# A host that asks a GPU whether to stop waits for it: ask only so often.
_GPU_CHECK_EVERY = 8
# A component narrower than this share of the data's own width (a variance
# below 1e-3 of the data's) is a small difference of the squares that EM sums
# up, and cancels too far for float32.
_FLOAT32_SCALE = 1e-3**0.5
# exp() of less is as good as zero, and denormal numbers, which are slow, stay
# away from it and from the sums of its products.
_LOWEST_EXPONENT = -60.0


class Fit(NamedTuple):
    """The outcome of P problems."""
    weights: Tensor
    means: Tensor
    covariance: Tensor
    log_likelihood: Tensor
    n_iter: Tensor
    converged: Tensor


class Frame(NamedTuple):
    """x = centre + magnitude * unit; P problems.

    Attributes:
        centre (Tensor): (P, D), float64.
        magnitude (Tensor): (P,).
    """
    centre: Tensor
    magnitude: Tensor


@dataclass(frozen=True)
class Solver:
    """The options of a fit, and the fit of one chunk of problems."""
    n_components: int
    covariance_type: str
    max_iter: int
    tol: float
    reg_covar: float
    init: str

    def fit(self, x: Tensor, weights: Tensor, uniform: Tensor) -> Fit:
        """Fits P problems: samples (P, n, D), weights (P, 1, n)."""
        unit, frame = _standardise(x, weights)
        square = unit.square()
        member = initial_membership(unit, square, weights, self.n_components,
                                    self.init, uniform)
        fit, doubtful = self._run(unit, square, weights, member, frame)
        if x.dtype == torch.float64:
            return fit
        again = doubtful.nonzero()[:, 0]
        if len(again) == 0:
            return fit
        exact, _ = self._run(
            *(field[again].double()
              for field in (unit, square, weights, member)),
            Frame(*(field[again] for field in frame)))
        return Fit(*(old.index_copy(0, again, new.to(old.dtype))
                     for old, new in zip(fit, exact)))

    def _run(self, unit: Tensor, square: Tensor, weights: Tensor,
             member: Tensor, frame: Frame) -> Tuple[Fit, Tensor]:
        """EM on centred samples (P, D, n), from indicators (P, M, n).

        Returns:
            tuple[Fit, Tensor]: The fits, and for which problems the dtype
            was too coarse, (P,).
        """
        reg_covar = (self.reg_covar / frame.magnitude.double().square()).to(
            unit.dtype)
        block = block_size(self.covariance_type, unit.shape[1])
        variance = torch.bmm(weights, square.transpose(1, 2))
        factor, inverse = _whitening(unit, weights, variance, reg_covar, block)
        ridge = reg_covar[:, None, None, None] * inverse @ inverse.transpose(
            -1, -2)
        size = _group_size(unit, self.n_components, self.covariance_type)
        groups = zip(*(field.split(size)
                       for field in (unit, inverse, weights, ridge, member)))
        parts = [self._expectation_maximisation(*group) for group in groups]
        *gaussians, likelihood, n_iter, converged = (
            torch.cat(field) for field in zip(*parts))
        gaussians = Gaussians(*gaussians)
        factor = factor * frame.magnitude[:, None, None, None]
        log_det = _diagonal(factor).log().sum((-2, -1))
        log_det = log_det + 0.5 * unit.shape[1] * math.log(2 * math.pi)
        scale = safe_cholesky(gaussians.covariance)
        doubtful = ~(_diagonal(scale).flatten(1).amin(1) > _FLOAT32_SCALE)
        doubtful |= ~likelihood.isfinite()
        mixture = self._unwhiten(gaussians, scale, factor, frame.centre)
        return Fit(*(field.to(unit.dtype) for field in mixture),
                   likelihood - log_det, n_iter, converged), doubtful

    def _expectation_maximisation(self, unit: Tensor, whitener: Tensor,
                                  weights: Tensor, ridge: Tensor,
                                  member: Tensor) -> Tuple[Tensor, ...]:
        """Means, covariances etc. of one group of problems.

        Returns:
            tuple[Tensor, ...]: The fields of :class:`Gaussians`, the mean
            log-likelihoods in whitened coordinates, the iterations and
            whether each problem converged.
        """
        family = _make_family(
            Problems(unit, whitener, weights, ridge, self.n_components))
        family.update(member * weights)
        n_iter, converged = _iterate(family, weights, self.max_iter, self.tol)
        likelihood = _likelihood(*_softmax(family.log_joint()), weights)
        return *family.gaussians(), likelihood, n_iter, converged

    def _unwhiten(self, gaussians: Gaussians, scale: Tensor, factor: Tensor,
                  centre: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
        """Weights, means and covariances in the data's coordinates."""
        weights = gaussians.log_weights.softmax(-1)
        means = apply_blocks(factor.double(),
                             gaussians.means.double().transpose(1, 2))
        means = means.transpose(1, 2) + centre[:, None]
        scale = factor[:, None].double() @ scale.double()
        covariance = scale @ scale.transpose(-1, -2)  # (P, M, J, b, b)
        shape = covariance_shape(self.covariance_type, means.shape[-1])
        return weights, means, covariance.reshape(weights.shape + shape)


def _standardise(x: Tensor, weights: Tensor) -> Tuple[Tensor, Frame]:
    """Centres the samples (P, n, D) and scales them by one number.

    Returns:
        tuple[Tensor, Frame]: The samples transposed, (P, D, n), and what
        brings them back.

    Raises:
        ValueError: If the samples aren't finite.
    """
    # A rough mean first: what is left is exact even where the data lie far
    # from zero.
    origin = torch.bmm(weights, x)
    offset = x - origin
    shift = torch.bmm(weights, offset)  # (P, 1, D)
    flat = offset.flatten(1)
    magnitude = torch.linalg.vector_norm(flat, dim=1) / flat.shape[1]**0.5
    if not bool(magnitude.isfinite().all()):  # perhaps only their squares
        magnitude = flat.abs().amax(1)
        if not bool(magnitude.isfinite().all()):
            raise ValueError('the samples hold NaN or infinite values')
    # Samples that are all the same keep their scale.
    magnitude = torch.where(magnitude > torch.finfo(x.dtype).tiny, magnitude,
                            1.0)
    scale = magnitude.reciprocal()[:, None, None]
    unit = x.new_empty(x.shape[0], x.shape[2], x.shape[1])
    torch.addcmul(
        (-shift * scale).transpose(1, 2),
        offset.transpose(1, 2),
        scale,
        out=unit)
    return unit, Frame((origin.double() + shift.double())[:, 0], magnitude)


def _whitening(unit: Tensor, weights: Tensor, variance: Tensor,
               reg_covar: Tensor, block: int) -> Tuple[Tensor, Tensor]:
    """Scales each dimension, then decorrelates each block.

    It needn't be exact, it only has to be undone exactly. The regularisation
    is part of the covariance that it makes the identity, so dimensions and
    directions without variance stay harmless.

    Returns:
        tuple[Tensor, Tensor]: Lower-triangular blocks F with unit = F white,
        (P, J, b, b), and their inverses.
    """
    spread = (variance + reg_covar[:, None, None]).sqrt()
    # Nothing is left of a dimension without variance or regularisation.
    spread = torch.where(spread > 0, spread, 1.0)
    spread = spread.view(len(unit), -1, block, 1)
    if block == 1:
        return spread, spread.reciprocal()
    scaled = unit.unflatten(1, (-1, block)) / spread
    total = (scaled * weights[:, None]) @ scaled.transpose(2, 3)
    total += torch.diag_embed(reg_covar[:, None, None] /
                              spread[..., 0].square())
    factor = safe_cholesky(total)
    inverse = invert_lower(factor)
    return spread * factor, inverse / spread.transpose(2, 3)


def _diagonal(matrix: Tensor) -> Tensor:
    """The diagonals (..., b) of matrices (..., b, b)."""
    return matrix.diagonal(dim1=-2, dim2=-1)


def _softmax(log_joint: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
    """The softmax's parts, in place: its numerators (P, M, n), their sum and
    the logarithm of what both were divided by, (P, 1, n)."""
    peak = log_joint.amax(1, keepdim=True)
    numerator = log_joint.sub_(peak).clamp_min_(_LOWEST_EXPONENT).exp_()
    return numerator, numerator.sum(1, keepdim=True), peak


def _likelihood(numerator: Tensor, total: Tensor, peak: Tensor,
                weights: Tensor) -> Tensor:
    """Mean log-likelihood (P,) from a softmax's parts."""
    return ((total.log() + peak) * weights).sum((1, 2))


def _iterate(family: Family, weights: Tensor, max_iter: int,
             tol: float) -> Tuple[Tensor, Tensor]:
    """EM until every problem has converged.

    Returns:
        tuple[Tensor, Tensor]: The iterations of each problem (P,) and
        whether it converged (P,).
    """
    device = weights.device
    converged = torch.zeros(len(weights), dtype=torch.bool, device=device)
    n_iter = torch.full_like(converged, max_iter, dtype=torch.long)
    every = 1 if device.type == 'cpu' else _GPU_CHECK_EVERY
    last = -torch.inf
    for iteration in range(1, max_iter + 1):
        parts = _softmax(family.log_joint())
        if tol > 0:
            likelihood = _likelihood(*parts, weights)
        numerator, total, _ = parts
        mass = numerator.mul_(weights / total)
        if tol == 0:
            family.update(mass)
            continue
        family.update(mass, converged)
        close = (likelihood - last).abs() < tol
        n_iter = torch.where(close & ~converged, iteration, n_iter)
        converged = converged | close
        last = likelihood
        if iteration % every == 0 and bool(converged.all()):
            break
    return n_iter, converged


def _group_size(x: Tensor, n_components: int, covariance_type: str) -> int:
    """How many problems go through EM together."""
    num_dims, n = x.shape[1:]
    rows = {
        'diag': 2 * num_dims,
        'joint': 3 * num_dims,
        'full': min(num_dims * num_dims, (n_components + 1) * num_dims)
    }[covariance_type] + n_components
    budget = GPU_GROUP_BYTES
    if x.device.type == 'cpu':
        budget = _CPU_GROUP_BYTES[covariance_type]
    return max(1, budget // (rows * n * x.element_size()))


def _make_family(problems: Problems) -> Family:
    """The family that suits the size of the blocks."""
    block = problems.whitener.shape[-1]
    if block == 1:
        return DiagonalFamily(problems)
    if block <= 4:
        return BlockFamily(problems)
    return DenseFamily(problems)
