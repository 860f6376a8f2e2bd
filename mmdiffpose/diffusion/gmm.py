# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Weighted EM for many Gaussian mixtures at once.

Axis letters: P problems (all leading dimensions flattened), n samples, M
components, D dimensions, J covariance blocks of b dimensions.
"""
from dataclasses import dataclass
from typing import NamedTuple, Optional, Tuple

import torch
from torch import Tensor

from .gmm_families import Family, Parameters, family_of
from .gmm_init import initial_labels, uniforms_needed
from .gmm_mixture import CovarianceType, GaussianMixture, covariance_shape

__all__ = ['FitInfo', 'GaussianMixture', 'fit_gmm']

INITS = ('kmeans++', 'split')

# Samples whose features and responsibilities stay in a core's cache.
_CPU_CHUNK_BYTES = 2 << 20
_GPU_CHUNK_BYTES = 4 << 30
# A host that asks a GPU whether to stop waits for it: ask only so often.
_GPU_CHECK_EVERY = 8
# Below this share of the data's own variance, the squares that the sums of
# EM are made of cancel too far for float32.
_FLOAT32_PIVOT = 1e-3


@dataclass(frozen=True, eq=False)
class FitInfo:
    """How the fits went.

    Attributes:
        log_likelihood (Tensor): Weighted mean of the log-density of a
            problem's samples under the mixture returned, (...).
        n_iter (Tensor): EM iterations done, (...), int64.
        converged (Tensor): Whether the mean log-likelihood rose by less than
            `tol` in the last iteration, (...), bool.
    """
    log_likelihood: Tensor
    n_iter: Tensor
    converged: Tensor


@torch.no_grad()
def fit_gmm(
    x: Tensor,
    n_components: int = 5,
    covariance_type: CovarianceType = 'diag',
    weights: Optional[Tensor] = None,
    max_iter: int = 20,
    tol: float = 1e-3,
    reg_covar: float = 1e-6,
    init: str = 'kmeans++',
    generator: Optional[torch.Generator] = None
) -> Tuple[GaussianMixture, FitInfo]:
    """Fits a mixture to each set of samples (DiffPose, Eq. 6) by EM.

    Each problem is fitted by itself: what it draws is a row of one
    ``torch.rand`` that runs over the problems in row-major order, so
    consecutive parts of a batch fitted in turn with one generator give what
    the whole batch gives, up to the rounding of sums.

    The samples are centred and whitened first, which makes float32 enough
    wherever no component is much narrower than the data; problems that have
    such a component are fitted again in float64.

    Args:
        x (Tensor): Samples, (..., n, D), float32 or float64.
        n_components (int): M.
        covariance_type (str): 'diag', 'joint' (D = 3J) or 'full'.
        weights (Tensor, optional): Non-negative weights of the samples,
            (..., n), e.g. the masses of a heatmap's cells; only their ratios
            within a problem matter. Defaults to equal weights.
        max_iter (int): EM iterations at most.
        tol (float): A problem whose mean log-likelihood rises by less stays
            as it is from then on. 0 runs all iterations.
        reg_covar (float): Added to each variance, in squared data units.
        init (str): 'kmeans++' or the deterministic 'split'.
        generator (torch.Generator, optional): On the CPU; read by
            'kmeans++'. Defaults to a new one with seed 0.

    Returns:
        tuple[GaussianMixture, FitInfo]: The mixtures, in the dtype and on
        the device of `x`, and how the fits went.

    Raises:
        ValueError: If the input isn't finite, has fewer samples than
            components, doesn't suit the covariance type, has negative or
            all-zero weights, or an option is unknown.
    """
    _check_options(n_components, max_iter, tol, reg_covar, init)
    _check_samples(x, weights, n_components)
    batch_shape, (n, num_dims) = x.shape[:-2], x.shape[-2:]
    covariance_shape(covariance_type, num_dims)
    samples = x.reshape(-1, n, num_dims)
    if weights is None:
        weights = x.new_full((1, n), 1.0 / n).expand(samples.shape[0], n)
    else:
        weights = weights.to(x).reshape(-1, n)
        weights = weights / weights.amax(-1, keepdim=True)
        weights = weights / weights.sum(-1, keepdim=True)
    uniform = torch.rand(
        samples.shape[0],
        uniforms_needed(init, n_components),
        dtype=torch.float64,
        generator=generator or torch.Generator().manual_seed(0)).to(x.device)

    solver = _Solver(n_components, covariance_type, max_iter, tol, reg_covar,
                     init)
    size = _chunk_size(x, n_components, covariance_type)
    parts = [
        solver.fit(*chunk) for chunk in zip(
            samples.split(size), weights.split(size), uniform.split(size))
    ]
    fit = _Fit(*(torch.cat(field) for field in zip(*parts)))
    fit = _Fit(*(field.reshape(batch_shape + field.shape[1:])
                 for field in fit))
    covariance = fit.covariance
    if covariance_type != 'diag':
        covariance = _factorable(covariance)
    mixture = GaussianMixture(fit.weights, fit.means, covariance,
                              covariance_type)
    return mixture, FitInfo(fit.log_likelihood, fit.n_iter, fit.converged)


class _Fit(NamedTuple):
    """The outcome of P problems."""
    weights: Tensor
    means: Tensor
    covariance: Tensor
    log_likelihood: Tensor
    n_iter: Tensor
    converged: Tensor


class _Whitening(NamedTuple):
    """x = centre + factor @ white, block by block, in float64.

    Attributes:
        centre (Tensor): (P, D).
        factor (Tensor): Lower Cholesky factors, (P, J, b, b).
        inverse (Tensor): Their inverses.
    """
    centre: Tensor
    factor: Tensor
    inverse: Tensor


@dataclass(frozen=True)
class _Solver:
    """The options of a fit, and the fit of one chunk of problems."""
    n_components: int
    covariance_type: str
    max_iter: int
    tol: float
    reg_covar: float
    init: str

    def fit(self, x: Tensor, weights: Tensor, uniform: Tensor) -> _Fit:
        """Fits P problems: samples (P, n, D), weights (P, n)."""
        # The first sample is near all the others, so that subtracting it
        # loses nothing even where the data lie far from the origin.
        origin = x[:, :1]
        centred = (x - origin).transpose(1, 2)
        shift = torch.bmm(centred, weights[..., None])
        centred = centred - shift
        magnitude = centred.abs().amax((1, 2), keepdim=True)
        tiny = torch.finfo(x.dtype).tiny
        labels = initial_labels(centred / magnitude.clamp_min(tiny), weights,
                                self.n_components, self.init, uniform)
        centre = (origin.transpose(1, 2).double() + shift.double())[..., 0]
        fit = self._run(centred, weights, labels, centre)
        if x.dtype == torch.float64:
            return fit[0]
        doubtful = fit[1].nonzero()[:, 0]
        if len(doubtful) == 0:
            return fit[0]
        again, _ = self._run(centred[doubtful].double(),
                             weights[doubtful].double(), labels[doubtful],
                             centre[doubtful])
        return _Fit(*(old.index_copy(0, doubtful, new.to(old.dtype))
                      for old, new in zip(fit[0], again)))

    def _run(self, centred: Tensor, weights: Tensor, labels: Tensor,
             centre: Tensor) -> Tuple[_Fit, Tensor]:
        """EM from labels; also tells which problems float32 was too coarse
        for."""
        family, num_blocks = family_of(self.covariance_type, centred.shape[1])
        whitening, ridge = self._whitening(centred, weights, num_blocks,
                                           centre)
        white = _apply_blocks(whitening.inverse.to(centred), centred)
        data = family.prepare(white)
        mass = torch.nn.functional.one_hot(
            labels, self.n_components).to(centred).transpose(
                1, 2) * weights[:, None]
        start = family.estimate(data, mass, ridge)
        params, n_iter, converged = _iterate(family, data, weights, ridge,
                                             start, self.max_iter, self.tol)
        _, likelihood = _posterior(family.log_joint(data, params), weights)
        doubtful = ~(family.smallest_pivot(params) > _FLOAT32_PIVOT)
        doubtful |= ~likelihood.isfinite()
        outcome = self._unwhiten(family, params, whitening)
        log_det = whitening.factor.diagonal(
            dim1=-2, dim2=-1).log().sum((-2, -1))
        likelihood = (likelihood.double() - log_det).to(centred.dtype)
        outcome = (field.to(centred.dtype) for field in outcome)
        return _Fit(*outcome, likelihood, n_iter, converged), doubtful

    def _whitening(self, centred: Tensor, weights: Tensor, num_blocks: int,
                   centre: Tensor) -> Tuple[_Whitening, Tensor]:
        """The whitening, and `reg_covar` in its coordinates (P, J, b, b)."""
        blocks = centred.double().unflatten(1, (num_blocks, -1))
        eye = torch.eye(
            blocks.shape[2], dtype=torch.float64, device=centred.device)
        total = (blocks * weights.double()[:, None, None]) @ blocks.transpose(
            2, 3)
        # The second term keeps the factorisation away from zero pivots when
        # there is no regularisation; whitening needn't be exact.
        level = total.diagonal(dim1=-2, dim2=-1).amax((1, 2))
        level = torch.where(level > 0, level, 1.0)[:, None, None, None]
        total = total + (self.reg_covar + 1e-10 * level) * eye
        factor = torch.linalg.cholesky(total)
        inverse = torch.linalg.solve_triangular(
            factor, eye.expand_as(factor), upper=False)
        ridge = self.reg_covar * inverse @ inverse.transpose(-1, -2)
        return _Whitening(centre, factor, inverse), ridge.to(centred)

    def _unwhiten(self, family: Family, params: Parameters,
                  whitening: _Whitening) -> Tuple[Tensor, Tensor, Tensor]:
        """Weights, means and covariances in the data's coordinates."""
        weights = params.log_weights.double().softmax(-1)
        means = _apply_blocks(whitening.factor,
                              params.means.double().transpose(1, 2))
        means = means.transpose(1, 2) + whitening.centre[:, None]
        factor = whitening.factor[:, None] @ family.factor_blocks(
            params).double()
        covariance = factor @ factor.transpose(-1, -2)  # (P, M, J, b, b)
        shape = covariance_shape(self.covariance_type, means.shape[-1])
        return weights, means, covariance.reshape(weights.shape + shape)


def _apply_blocks(matrix: Tensor, x: Tensor) -> Tensor:
    """Block-diagonal matrices (P, J, b, b) times (P, D, n)."""
    if matrix.shape[-1] == 1:
        return matrix[..., 0] * x
    return (matrix @ x.unflatten(1, matrix.shape[1:3])).flatten(1, 2)


def _posterior(log_joint: Tensor, weights: Tensor) -> Tuple[Tensor, Tensor]:
    """Responsibilities times weights (P, M, n); mean log-likelihood (P,)."""
    peak = log_joint.amax(1, keepdim=True)
    mass = (log_joint - peak).exp_()
    total = mass.sum(1, keepdim=True)
    mass *= weights[:, None] / total
    likelihood = ((peak + total.log())[:, 0] * weights).sum(-1)
    return mass, likelihood


def _iterate(family: Family, data: Tensor, weights: Tensor, ridge: Tensor,
             params: Parameters, max_iter: int,
             tol: float) -> Tuple[Parameters, Tensor, Tensor]:
    """EM until every problem has converged.

    Returns:
        tuple[Parameters, Tensor, Tensor]: The parameters, the iterations of
        each problem (P,) and whether it converged (P,).
    """
    num_problems = len(data)
    n_iter = torch.zeros(num_problems, dtype=torch.long, device=data.device)
    converged = torch.zeros_like(n_iter, dtype=torch.bool)
    last = torch.full_like(weights[:, 0], -torch.inf)
    every = 1 if data.device.type == 'cpu' else _GPU_CHECK_EVERY
    for iteration in range(max_iter):
        mass, likelihood = _posterior(family.log_joint(data, params), weights)
        update = family.estimate(data, mass, ridge)
        n_iter += ~converged
        if tol == 0:
            params = update
            continue
        params = Parameters(*(_keep(converged, old, new)
                              for old, new in zip(params, update)))
        converged = converged | ((likelihood - last).abs() < tol)
        last = likelihood
        if (iteration + 1) % every == 0 and bool(converged.all()):
            break
    return params, n_iter, converged


def _keep(frozen: Tensor, old: Tensor, new: Tensor) -> Tensor:
    """Old values of frozen problems, new ones of the others."""
    return torch.where(frozen.reshape(-1, *(1, ) * (old.dim() - 1)), old, new)


def _factorable(covariance: Tensor) -> Tensor:
    """Widens matrices that rounding to their dtype left without a Cholesky
    factor, by a few units in the last place of each variance."""
    _, info = torch.linalg.cholesky_ex(covariance)
    diagonal = torch.diag_embed(covariance.diagonal(dim1=-2, dim2=-1))
    jitter = 16 * covariance.shape[-1] * torch.finfo(covariance.dtype).eps
    return torch.where((info == 0)[..., None, None], covariance,
                       covariance + jitter * diagonal)


def _chunk_size(x: Tensor, n_components: int, covariance_type: str) -> int:
    """How many problems are worked on together."""
    n, num_dims = x.shape[-2:]
    rows = {
        'diag': 2 * num_dims,
        'joint': 3 * num_dims,
        'full': min(num_dims * num_dims, (n_components + 1) * num_dims)
    }[covariance_type] + 2 * n_components
    budget = _CPU_CHUNK_BYTES if x.device.type == 'cpu' else _GPU_CHUNK_BYTES
    return max(1, budget // (rows * n * x.element_size()))


def _check_options(n_components: int, max_iter: int, tol: float,
                   reg_covar: float, init: str) -> None:
    """Raises ValueError on options that make no sense."""
    if n_components < 1:
        raise ValueError(f'n_components must be >= 1, got {n_components}')
    if max_iter < 0:
        raise ValueError(f'max_iter must be >= 0, got {max_iter}')
    if not tol >= 0:
        raise ValueError(f'tol must be >= 0, got {tol}')
    if not reg_covar >= 0:
        raise ValueError(f'reg_covar must be >= 0, got {reg_covar}')
    if init not in INITS:
        raise ValueError(f'init must be one of {INITS}, got {init!r}')


def _check_samples(x: Tensor, weights: Optional[Tensor],
                   n_components: int) -> None:
    """Raises ValueError on samples or weights that can't be fitted."""
    if x.dtype not in (torch.float32, torch.float64):
        raise ValueError(f'float32 or float64 samples expected, got {x.dtype}')
    if x.dim() < 2 or x.shape[-1] == 0:
        raise ValueError(
            f'samples of shape (..., n, D) expected, got {tuple(x.shape)}')
    if x.shape[-2] < n_components:
        raise ValueError(f'{n_components} components need as many samples, '
                         f'got {x.shape[-2]}')
    if not bool(x.isfinite().all()):
        raise ValueError('the samples hold NaN or infinite values')
    if weights is None:
        return
    if weights.shape != x.shape[:-1]:
        raise ValueError(f'weights of shape {tuple(x.shape[:-1])} expected, '
                         f'got {tuple(weights.shape)}')
    if not bool((weights.isfinite() & (weights >= 0)).all()):
        raise ValueError('weights must be finite and not negative')
    if not bool((weights.sum(-1) > 0).all()):
        raise ValueError('the weights of a problem are all zero')
