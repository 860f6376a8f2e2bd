# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Weighted EM for many Gaussian mixtures at once.

Axis letters: P problems (all leading dimensions flattened), n samples, M
components, D dimensions, J covariance blocks of b dimensions.
"""
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Callable, ContextManager, List, Optional, Tuple

import torch
from torch import Tensor

from .em.solver import Fit, Options, fit_problems
from .gmm_mixture import GaussianMixture, scale_shape
from .tracing import can_ask

__all__ = ['FitInfo', 'GaussianMixture', 'fit_gmm']

# Samples that a thread prepares together, and those worth a thread.
_CPU_CHUNK_BYTES = 1280 << 10
_CPU_GRAIN_BYTES = 128 << 10


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
def fit_gmm(x: Tensor,
            n_components: int = 5,
            covariance_type: str = 'diag',
            weights: Optional[Tensor] = None,
            max_iter: int = 20,
            tol: float = 1e-3,
            reg_covar: float = 1e-6) -> Tuple[GaussianMixture, FitInfo]:
    """Fits a mixture to each set of samples (DiffPose, Eq. 6) by EM.

    Each problem is fitted by itself, from a start that draws nothing: the
    widest part of the samples is cut in two, M - 1 times. A batch gives what
    its problems give alone, up to the rounding of sums.

    EM works on samples that are centred, and whitened for 'joint' and
    'full': in units of the data's own width. Its sums are in float32 for
    samples in float32, but for problems that need more: those where a
    component is much narrower than the data, and all with up to 512 samples
    unless 'diag'.

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

    Returns:
        tuple[GaussianMixture, FitInfo]: The mixtures, in the dtype and on
        the device of `x`, and how the fits went.

    Raises:
        ValueError: If the input isn't finite, has fewer samples than
            components, doesn't suit the covariance type, has negative or
            all-zero weights, or an option is out of its range.
    """
    _check_options(n_components, max_iter, tol, reg_covar)
    _check_samples(x, weights, n_components)
    batch_shape, (n, num_dims) = x.shape[:-2], x.shape[-2:]
    shape = scale_shape(covariance_type, num_dims)
    samples = x.reshape(-1, n, num_dims)
    if weights is None:
        weights = x.new_full((1, 1, n), 1.0 / n).expand(samples.shape[0], 1, n)
    else:
        weights = weights.to(x).reshape(-1, 1, n)
        weights = weights / weights.amax(-1, keepdim=True)
        weights = weights / weights.sum(-1, keepdim=True)

    options = Options(n_components, covariance_type, max_iter, tol, reg_covar)
    # Half precision, as in mixed training, is too coarse for EM.
    with _full_precision(x):
        parts = _map_chunks(
            partial(fit_problems, options=options), samples, weights)
    fit = Fit(*(torch.cat(field) for field in zip(*parts)))
    fit = Fit(*(field.unflatten(0, batch_shape) if batch_shape else field[0]
                for field in fit))
    scale = fit.scale.reshape(batch_shape + (n_components, ) + shape)
    mixture = GaussianMixture(fit.weights, fit.means, scale, covariance_type)
    return mixture, FitInfo(fit.log_likelihood, fit.n_iter, fit.converged)


def _full_precision(x: Tensor) -> ContextManager:
    """Without autocast, which there is none of on the ``meta`` device."""
    if x.is_meta:
        return nullcontext()
    return torch.autocast(x.device.type, enabled=False)


def _map_chunks(fit: Callable[..., Fit], *fields: Tensor) -> List[Fit]:
    """Fits all problems, some chunks of them at a time.

    On a CPU each of torch's threads works on its own chunk: most steps are
    too short to be worth sharing one.
    """
    x = fields[0]
    threads = 1
    if x.device.type == 'cpu' and can_ask(x):
        threads = torch.get_num_threads()
    if threads == 1:
        return [fit(*fields)]
    # A few chunks for each thread, as others may need its core meanwhile.
    share = -(-len(x) // threads)
    size = max(-(-share // 4), min(share, _CPU_CHUNK_BYTES // x[0].nbytes))
    size = max(size, 1, _CPU_GRAIN_BYTES // x[0].nbytes)
    chunks = [field.split(size) for field in fields]
    if len(chunks[0]) == 1:
        return [fit(*fields)]
    try:
        with ThreadPoolExecutor(
                threads, initializer=torch.set_num_threads,
                initargs=(1, )) as pool:
            return list(pool.map(torch.no_grad()(fit), *chunks))
    finally:
        # Threads that start later take over the number that was set last.
        torch.set_num_threads(threads)


def _check_options(n_components: int, max_iter: int, tol: float,
                   reg_covar: float) -> None:
    """Raises ValueError on options that make no sense."""
    if n_components < 1:
        raise ValueError(f'n_components must be >= 1, got {n_components}')
    if max_iter < 0:
        raise ValueError(f'max_iter must be >= 0, got {max_iter}')
    if not tol >= 0:
        raise ValueError(f'tol must be >= 0, got {tol}')
    if not reg_covar >= 0:
        raise ValueError(f'reg_covar must be >= 0, got {reg_covar}')


def _check_samples(x: Tensor, weights: Optional[Tensor],
                   n_components: int) -> None:
    """Raises ValueError on samples or weights that can't be fitted."""
    if x.dtype not in (torch.float32, torch.float64):
        raise ValueError(f'float32 or float64 samples expected, got {x.dtype}')
    if x.dim() < 2 or 0 in x.shape:
        raise ValueError(
            f'samples of shape (..., n, D) expected, got {tuple(x.shape)}')
    if x.shape[-2] < n_components:
        raise ValueError(f'{n_components} components need as many samples, '
                         f'got {x.shape[-2]}')
    if weights is None:
        return
    if weights.shape != x.shape[:-1]:
        raise ValueError(f'weights of shape {tuple(x.shape[:-1])} expected, '
                         f'got {tuple(weights.shape)}')
    if not bool((weights.isfinite() & (weights >= 0)).all()):
        raise ValueError('weights must be finite and not negative')
    if not bool((weights.sum(-1) > 0).all()):
        raise ValueError('the weights of a problem are all zero')
