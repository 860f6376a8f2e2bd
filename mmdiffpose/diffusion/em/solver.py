# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The fit of some mixtures: standardise, start, iterate, undo."""
import math
import warnings
from functools import lru_cache
from typing import Callable, List, NamedTuple

import torch
from torch import Tensor

from .frame import (empty_rows, pivot_floor, safe_cholesky, standardise,
                    unwhiten, whitening)
from .start import initial_membership
from .steps import gaussians, iterate, prepare, prior_moments, update

# What EM reads in each iteration should stay in a core's second-level cache,
# unless the problems are so small that the calls cost more than the work.
_CPU_GROUP_BYTES = {'diag': 1400 << 10, 'joint': 5 << 20, 'full': 5 << 20}
_GPU_GROUP_BYTES = 4 << 30
# A host that asks a GPU whether to stop waits for it: ask only so often.
_GPU_CHECK_EVERY = 8
# Rows of as many samples are whole cache lines.
_PADDING = 16
# A component narrower than this share of the data's own width (a variance
# below 1e-3 of the data's) is a small difference of the squares that EM sums
# up, and cancels too far for float32.
_FLOAT32_SCALE = 1e-3**0.5

Run = Callable[..., List[Tensor]]


class Options(NamedTuple):
    """The options of a fit, as in `fit_gmm`."""
    n_components: int
    covariance_type: str
    max_iter: int
    tol: float
    reg_covar: float
    init: str


class Fit(NamedTuple):
    """The outcome of P problems; the covariances are (P, M, J, b, b)."""
    weights: Tensor
    means: Tensor
    covariance: Tensor
    log_likelihood: Tensor
    n_iter: Tensor
    converged: Tensor


def fit_problems(x: Tensor, weights: Tensor, uniform: Tensor, options: Options,
                 run: Run) -> Fit:
    """Fits P problems, in the calling thread alone on a CPU.

    Args:
        x (Tensor): Samples, (P, n, D).
        weights (Tensor): With sum 1, (P, 1, n).
        uniform (Tensor): The start's random numbers, (P, ...).
        options (Options): Of `fit_gmm`.
        run (Callable): From `choose_run`.

    Raises:
        ValueError: If the samples aren't finite.
    """
    *fit, narrowest = _fit(x, weights, uniform, options, run)
    if x.dtype == torch.float64:
        return Fit(*fit)
    doubtful = ~(narrowest > _FLOAT32_SCALE) | ~fit[3].isfinite()
    again = doubtful.nonzero()[:, 0]
    if len(again):
        exact = _fit(x[again].double(), weights[again].double(),
                     uniform[again], options, run)
        fit = [
            old.index_copy(0, again, new.to(old.dtype))
            for old, new in zip(fit, exact)
        ]
    return Fit(*fit)


def _fit(x: Tensor, weights: Tensor, uniform: Tensor, options: Options,
         run: Run) -> List[Tensor]:
    """The fields of :class:`Fit`, and the width of the narrowest component
    of each problem, relative to the data's, (P,)."""
    on_cpu = x.device.type == 'cpu'
    weights = torch.nn.functional.pad(weights, (0, -x.shape[1] % _PADDING))
    block = dict(diag=1, joint=3, full=x.shape[2])[options.covariance_type]
    *fit, finite = run(x, weights, uniform, _group_size(x, options),
                       options.n_components, options.init, block,
                       options.max_iter, options.tol, options.reg_covar,
                       1 if on_cpu else _GPU_CHECK_EVERY)
    if not bool(finite.all()):
        raise ValueError('the samples hold NaN or infinite values')
    return fit


def _group_size(x: Tensor, options: Options) -> int:
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
    return max(1, budget // (rows_of_all * n * x.element_size()))


def _run(x: Tensor, weights: Tensor, uniform: Tensor, group_size: int,
         n_components: int, init: str, block: int, max_iter: int, tol: float,
         reg_covar: float, check_every: int) -> List[Tensor]:
    """Fits group after group, and puts the results together.

    Returns:
        list[Tensor]: The fields of :class:`Fit`, the width of the narrowest
        component of each problem, relative to the data's, (P,), and whether
        its samples are finite, (P,).
    """
    group_size = min(group_size, x.shape[0])
    rows = empty_rows(x, group_size, weights.shape[2] - x.shape[1])
    groups: List[List[Tensor]] = []
    for start in range(0, x.shape[0], group_size):
        part = slice(start, start + group_size)
        groups.append(
            _run_group(x[part], weights[part], uniform[part],
                       rows[:x.shape[0] - start], n_components, init, block,
                       max_iter, tol, reg_covar, check_every))
    fields: List[Tensor] = []
    for field in range(len(groups[0])):
        fields.append(torch.cat([group[field] for group in groups]))
    (moments, likelihood, n_iter, converged, centre, scale, reference, ridge,
     factor) = fields

    floor = pivot_floor(x) * reference
    mass, means, covariance = gaussians(moments, ridge, floor, block)
    log_det = scale.log().sum([1, 2])
    if block == 1:
        narrowest = (covariance[..., 0, 0] / reference).sqrt()
        means = means.double() * scale
        covariance = covariance.double() * scale[..., None, None].square()
    else:
        log_det = log_det + _diagonal(factor).log().sum([1, 2])
        own = safe_cholesky(covariance)
        narrowest = _diagonal(own)
        factor = factor.double() * scale.reshape(x.shape[0], -1, block, 1)
        means, covariance = unwhiten(means, own, factor)
    means = means + centre
    constant = 0.5 * x.shape[2] * math.log(2 * math.pi)
    return [(mass / mass.sum(1, keepdim=True))[..., 0],
            means.to(x.dtype),
            covariance.to(x.dtype), likelihood - log_det - constant, n_iter,
            converged,
            narrowest.flatten(1).amin(1),
            scale.isfinite().flatten(1).all(1)]


def _run_group(x: Tensor, weights: Tensor, uniform: Tensor, rows: Tensor,
               n_components: int, init: str, block: int, max_iter: int,
               tol: float, reg_covar: float, check_every: int) -> List[Tensor]:
    """EM on one group, in the room that `rows` are (see `empty_rows`).

    Blocks of one dimension need no whitening, as nothing mixes the scales of
    the dimensions.

    Returns:
        list[Tensor]: The moments, their mean log-likelihoods, the iterations
        and convergence, see `iterate`; what was subtracted from the samples
        and what they were divided by, (P, 1, D) in float64; the data's
        variances in the coordinates of EM, (P, 1, D); the regularisation
        there, see `log_joint`; the way back from them, (P, J, b, b), for
        b > 1.
    """
    variance, centre, scale = standardise(x, weights, reg_covar, rows)
    num_dims = x.shape[2]
    square, unit = rows[:, :num_dims], rows[:, num_dims:-1]
    member = initial_membership(unit, square, weights, n_components, init,
                                uniform)
    scale = scale.double()
    ridge = (reg_covar / scale.square()).to(x.dtype)
    variance = variance + ridge
    # Nothing is left of a dimension without variance or regularisation.
    variance = torch.where(variance > 0, variance, 1.0)
    data, factor, reference = rows, scale, variance
    if block > 1:
        factor, inverse = whitening(unit, weights, variance, ridge, block)
        data = prepare(rows, inverse)
        reference = torch.ones_like(variance)
        ridge = ridge.reshape(x.shape[0], -1, 1, block)
        ridge = torch.matmul(inverse * ridge, inverse.transpose(-1, -2))
    prior = prior_moments(reference, block)
    floor = pivot_floor(x) * reference
    moments = update(data, member.mul_(weights), prior, block)
    moments, likelihood, n_iter, converged = iterate(data, moments, weights,
                                                     ridge, floor, prior,
                                                     block, max_iter, tol,
                                                     check_every)
    return [
        moments, likelihood, n_iter, converged,
        centre.double(), scale, reference, ridge, factor
    ]


def _diagonal(matrix: Tensor) -> Tensor:
    """The diagonals (..., b) of matrices (..., b, b)."""
    return matrix.diagonal(dim1=-2, dim2=-1)


def choose_run(device: torch.device) -> Run:
    """What fits group after group of problems on a device.

    On a CPU that is in TorchScript, where PyTorch still has it: EM is a long
    row of short calls, and Python makes each of them take longer than its
    work, while other threads wait for Python's lock.
    """
    return _compiled_run() if device.type == 'cpu' else _run


@lru_cache(maxsize=None)
def _compiled_run() -> Run:
    """`_run` in TorchScript."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', DeprecationWarning)
            return torch.jit.script(_run)
    except (AttributeError, RuntimeError, OSError):
        return _run
