# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The fit of some mixtures: standardise, start, iterate, undo."""
import math
from typing import List, NamedTuple, Tuple

import torch
from torch import Tensor

from ..tracing import can_ask
from .blocks import BlockSteps
from .dense import DenseSteps
from .diagonal import DiagonalSteps
from .frame import apply_blocks, empty_rows, standardise, whitening
from .steps import Gaussians, Progress, Steps, iterate

# What EM reads in each iteration should stay in a core's second-level cache,
# unless the problems are so small that the calls cost more than the work.
_CPU_GROUP_BYTES = {'diag': 1400 << 10, 'joint': 5 << 20, 'full': 5 << 20}
_GPU_GROUP_BYTES = 4 << 30
# A host that asks a GPU whether to stop waits for it: ask only so often.
_GPU_CHECK_EVERY = 8
# Rows of as many samples are whole cache lines.
_PADDING = 16
# Blocks of more dimensions would have too many features.
_LARGEST_FEATURE_BLOCK = 4
# A component narrower than this share of the data's own width (a variance
# below 1e-3 of the data's) is more than float32 can tell: a small difference
# of squares, or of the dimensions that whitening subtracts from each other.
_FLOAT32_SCALE = 1e-3**0.5
# EM of correlated dimensions multiplies rounding by up to 1e4 on its way, so
# that float32 would let the third digit depend on the processor. So few
# samples cost little in float64 (and are often too few for covariances that
# float32 could hold).
_FLOAT64_SAMPLES = 512


class Options(NamedTuple):
    """The options of a fit, as in `fit_gmm`."""
    n_components: int
    covariance_type: str
    max_iter: int
    tol: float
    reg_covar: float


class Fit(NamedTuple):
    """The outcome of P problems.

    `scale` holds lower Cholesky factors of the covariances,
    (P, M, J, b, b).
    """
    weights: Tensor
    means: Tensor
    scale: Tensor
    log_likelihood: Tensor
    n_iter: Tensor
    converged: Tensor


class _Frame(NamedTuple):
    """The coordinates of EM.

    Attributes:
        centre (Tensor): Their origin, (P, 1, D), in float64.
        factor (Tensor): Lower-triangular blocks (P, J, b, b) in float64 that
            lead back from them, up to the origin. Not finite where the
            samples aren't.
        unit (Tensor): Their units, relative to the data's standard
            deviations, (P, D).
    """
    centre: Tensor
    factor: Tensor
    unit: Tensor


def fit_problems(x: Tensor, weights: Tensor, options: Options) -> Fit:
    """Fits P problems, in the calling thread alone on a CPU.

    Args:
        x (Tensor): Samples, (P, n, D).
        weights (Tensor): With sum 1, (P, 1, n).
        options (Options): Of `fit_gmm`.

    Raises:
        ValueError: If the samples aren't finite.
    """
    if not can_ask(x):
        # Which problems need it can't be told: all get it.
        return _fit(x, weights, options, torch.float64)[0]
    few = x.shape[1] <= _FLOAT64_SAMPLES
    dtype = x.dtype
    if options.covariance_type != 'diag' and few:
        dtype = torch.float64
    fit, narrowest = _fit(x, weights, options, dtype)
    if dtype != torch.float64:
        doubtful = ~(narrowest > _FLOAT32_SCALE)
        doubtful |= ~fit.log_likelihood.isfinite()
        again = doubtful.nonzero()[:, 0]
        if len(again):
            exact, _ = _fit(x[again], weights[again], options, torch.float64)
            fit = Fit(*(old.index_copy(0, again, new)
                        for old, new in zip(fit, exact)))
    return fit


def _fit(x: Tensor, weights: Tensor, options: Options,
         dtype: torch.dtype) -> Tuple[Fit, Tensor]:
    """Fits group after group.

    Returns:
        tuple[Fit, Tensor]: The outcome, and the width of the narrowest
        component of each problem, relative to the data's, (P,).
    """
    n, num_dims = x.shape[1:]
    padding = -n % _PADDING
    weights = torch.nn.functional.pad(weights, (0, padding))
    size, parts = x.shape[0], [(x, weights)]
    if can_ask(x):
        size = min(size, _group_size(x, options, dtype))
        parts = list(zip(x.split(size), weights.split(size)))
    rows = empty_rows(x, size, padding, dtype)
    groups: List[Tuple[Gaussians, Progress, _Frame]] = []
    for part, mass in parts:
        groups.append(
            _fit_group(
                part.to(dtype), mass.to(dtype), rows[:part.shape[0]], options))
    gaussians, progress, frame = ([torch.cat(field) for field in zip(*part)]
                                  for part in zip(*groups))

    mass, means, scale = gaussians
    centre, factor, unit = frame
    if can_ask(factor) and not bool(factor.isfinite().all()):
        raise ValueError('the samples hold NaN or infinite values')
    narrowest = (_diagonal(scale).flatten(2) *
                 unit[:, None]).flatten(1).amin(1)
    if factor.shape[-1] == 1:
        means = means * factor[:, None, :, 0, 0]
        scale = scale * factor[:, None]
    else:
        means = apply_blocks(factor, means.double().mT).mT
        scale = torch.matmul(factor[:, None], scale.double())
    log_likelihood, n_iter, converged = progress
    log_likelihood = (
        log_likelihood - _diagonal(factor).log().sum([1, 2]) -
        0.5 * num_dims * math.log(2 * math.pi))
    fit = Fit(
        weights=(mass / mass.sum(1, keepdim=True)).to(x.dtype),
        means=(means + centre).to(x.dtype),
        scale=scale.to(x.dtype),
        log_likelihood=log_likelihood.to(x.dtype),
        n_iter=n_iter,
        converged=converged)
    return fit, narrowest


def _fit_group(x: Tensor, weights: Tensor, rows: Tensor,
               options: Options) -> Tuple[Gaussians, Progress, _Frame]:
    """EM on one group, in the room that `rows` are (see `empty_rows`)."""
    num_problems, _, num_dims = x.shape
    variance, centre, scale = standardise(x, weights, options.reg_covar, rows)
    square, centred = rows[:, :num_dims], rows[:, num_dims:-1]
    member = _initial_membership(centred, square, weights,
                                 options.n_components)
    scale = scale.double()
    ridge = (options.reg_covar / scale.square()).to(x.dtype)
    variance = variance + ridge
    # Nothing is left of a dimension without variance or regularisation.
    variance = torch.where(variance > 0, variance, 1.0)
    block = _block(options.covariance_type, num_dims)
    blocks = (num_problems, -1, block, 1)
    factor, unit = scale.reshape(blocks), variance[:, 0].rsqrt()
    steps: Steps
    if block == 1:
        steps = DiagonalSteps(rows, variance, ridge, options.n_components)
    else:
        whiten, inverse = whitening(centred, weights, variance, ridge, block)
        ridge = ridge.reshape(num_problems, -1, 1, block)
        ridge = torch.matmul(inverse * ridge, inverse.mT)
        kind = BlockSteps if block <= _LARGEST_FEATURE_BLOCK else DenseSteps
        steps = kind(rows, inverse, ridge, options.n_components)
        factor, unit = factor * whiten, unit * _diagonal(whiten).flatten(1)
    steps.update(member.mul_(weights))
    progress = iterate(steps, weights, options.max_iter, options.tol,
                       1 if x.device.type == 'cpu' else _GPU_CHECK_EVERY)
    frame = _Frame(centre.double(), factor, unit)
    return steps.gaussians(), progress, frame


def _initial_membership(x: Tensor, square: Tensor, weights: Tensor,
                        num_components: int) -> Tensor:
    """Where EM starts: a hard assignment of the samples to M components.

    Cuts, M - 1 times, the part and axis of the largest scatter in two, at
    the part's mean. Deterministic; no draws.

    Args:
        x (Tensor): Samples, centred and of order one, (P, D, n).
        square (Tensor): Their squares, (P, D, n).
        weights (Tensor): Non-negative, (P, 1, n).
        num_components (int): M.

    Returns:
        Tensor: Indicators with sum 1 over the components, (P, M, n).
    """
    num_dims = x.shape[1]
    member = torch.zeros([x.shape[0], num_components, x.shape[2]],
                         dtype=x.dtype,
                         device=x.device)
    member[:, 0] = 1.0
    problem = torch.arange(x.shape[0], device=x.device)
    for m in range(1, num_components):
        weighted = member[:, :m] * weights
        mass = weighted.sum(-1, keepdim=True)
        mean = torch.bmm(weighted, x.transpose(1, 2))  # (P, m, D)
        mean = mean / mass.clamp_min(1e-30)
        second = torch.bmm(weighted, square.transpose(1, 2))
        scatter = second - mass * mean.square()
        widest = scatter.flatten(1).argmax(1)
        part = torch.div(widest, num_dims, rounding_mode='floor')
        axis = widest - num_dims * part
        cut = mean[problem, part, axis]
        above = member[problem, part] * (x[problem, axis] > cut[:, None])
        member[:, m] = above
        member[problem, part] -= above
    return member


def _block(covariance_type: str, num_dims: int) -> int:
    """b."""
    return dict(diag=1, joint=3, full=num_dims)[covariance_type]


def _group_size(x: Tensor, options: Options, dtype: torch.dtype) -> int:
    """How many problems go through all steps together."""
    n, num_dims = x.shape[1:]
    rows = dict(
        diag=2 * num_dims,
        joint=3 * num_dims,
        full=min(num_dims, options.n_components + 1) * num_dims)
    budget = _GPU_GROUP_BYTES
    if x.device.type == 'cpu':
        budget = _CPU_GROUP_BYTES[options.covariance_type]
    rows_of_all = rows[options.covariance_type] + options.n_components
    return max(1, budget // (rows_of_all * n * dtype.itemsize))


def _diagonal(matrix: Tensor) -> Tensor:
    """The diagonals (..., b) of matrices (..., b, b)."""
    return matrix.diagonal(dim1=-2, dim2=-1)
