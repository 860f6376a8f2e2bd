# Copyright (c) mmdiffpose contributors. All rights reserved.
"""EM itself: the two steps for any block size, and their loop."""
from typing import List, Tuple

import torch
from torch import Tensor

from .dense import dense_central, dense_log_joint, dense_moments, dense_samples
from .diagonal import diagonal_buffers, diagonal_central, diagonal_natural
from .features import block_natural, central, features


def is_dense(block: int) -> bool:
    """Whether features would be too many."""
    return block > 4


def prepare(rows: Tensor, whitener: Tensor) -> Tensor:
    """What both steps read in each iteration, (P, ..., n), for b > 1.

    Args:
        rows (Tensor): Squares, samples and ones, (P, 2D + 1, n).
        whitener (Tensor): (P, J, b, b).
    """
    if is_dense(whitener.shape[-1]):
        return dense_samples(rows, whitener)
    return features(rows, whitener)


def prior_moments(reference: Tensor, block: int) -> Tensor:
    """Moments that each component carries besides its own, (P, 1, ...).

    They are those of the whole data, with mean 0 and a mass far below one
    sample. So they only matter to a component that has lost all samples:
    that one becomes as broad as the data, with no weight.

    Args:
        reference (Tensor): The data's variances in the coordinates of EM,
            (P, 1, D).
        block (int): b.
    """
    mass = 1e-10
    one = torch.ones_like(reference[..., :1])
    if is_dense(block):
        return mass * torch.diag_embed(torch.cat((reference, one), -1))
    by_axis = reference.unflatten(-1, (-1, block))
    kinds: List[Tensor] = []
    for i in range(block):
        for j in range(i + 1):
            kind = by_axis[..., i]
            kinds.append(kind if i == j else torch.zeros_like(kind))
    kinds += [torch.zeros_like(reference), one]
    return mass * torch.cat(kinds, -1)


def update(data: Tensor, mass: Tensor, prior: Tensor, block: int) -> Tensor:
    """The M-step: moments (P, M, ...) of masses (P, M, n)."""
    if is_dense(block):
        return dense_moments(data, mass).add_(prior)
    return torch.baddbmm(prior, mass, data.transpose(1, 2))


def log_joint(data: Tensor, moments: Tensor, ridge: Tensor, floor: Tensor,
              block: int, buffers: List[Tensor]) -> Tensor:
    """The E-step: log(mass_m N(x; mu_m, Sigma_m)) + D / 2 log(2 pi).

    Args:
        data (Tensor): From `prepare`; for b = 1 the squares, samples and
            ones as they are.
        moments (Tensor): (P, M, ...).
        ridge (Tensor): Added to the covariances, (P, J, b, b), or to the
            variances, (P, 1, D), for b = 1.
        floor (Tensor): Smallest variances for b = 1, (P, 1, D).
        block (int): b.
        buffers (list[Tensor]): Of these moments, for b = 1.

    Returns:
        Tensor: (P, M, n).
    """
    if block == 1:
        return torch.bmm(diagonal_natural(buffers, ridge, floor), data)
    if is_dense(block):
        return dense_log_joint(data, moments, ridge)
    return torch.bmm(block_natural(moments, ridge), data)


def gaussians(moments: Tensor, ridge: Tensor, floor: Tensor,
              block: int) -> Tuple[Tensor, Tensor, Tensor]:
    """Masses (P, M, 1), means (P, M, D), covariances (P, M, J, b, b)."""
    if block == 1:
        mass, means, variance = diagonal_central(moments, ridge, floor)
        return mass, means, variance[..., None, None]
    if is_dense(block):
        mass, means, covariance = dense_central(moments, ridge)
        return mass[..., None], means, covariance[:, :, None]
    mass, axes, entries = central(moments, ridge)
    shape = list(axes[0].shape) + [block, block]
    covariance = torch.empty(shape, dtype=mass.dtype, device=mass.device)
    for i in range(block):
        for j in range(i + 1):
            entry = entries[i * (i + 1) // 2 + j]
            covariance[..., i, j] = entry
            covariance[..., j, i] = entry
    return mass, torch.stack(axes, -1).flatten(2), covariance


def softmax(log_joint: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
    """A softmax's parts, in place: its numerators (P, M, n), their sum and
    the logarithm of what both were divided by, (P, 1, n).

    exp() of less than -60 is as good as zero; denormal numbers, which are
    slow, stay away from it and from the sums of its products. (That is why
    this isn't `torch.softmax`, which is no faster.)
    """
    peak = log_joint.amax(1, keepdim=True)
    numerator = log_joint.sub_(peak).clamp_min_(-60.0).exp_()
    return numerator, numerator.sum(1, keepdim=True), peak


def mean_likelihood(total: Tensor, peak: Tensor, weights: Tensor) -> Tensor:
    """Mean log-likelihood (P,) from a softmax's parts."""
    return ((total.log() + peak) * weights).sum([1, 2])


def iterate(data: Tensor, moments: Tensor, weights: Tensor, ridge: Tensor,
            floor: Tensor, prior: Tensor, block: int, max_iter: int,
            tol: float,
            check_every: int) -> Tuple[Tensor, Tensor, Tensor, Tensor]:
    """EM until every problem has converged.

    Args:
        data (Tensor): See `log_joint`.
        moments (Tensor): The start, (P, M, ...); written to.
        weights (Tensor): With sum 1, (P, 1, n).
        ridge (Tensor): See `log_joint`.
        floor (Tensor): See `log_joint`.
        prior (Tensor): From `prior_moments`.
        block (int): b.
        max_iter (int): Iterations at most.
        tol (float): A problem stays as it is once its mean log-likelihood
            rises by less; 0 runs all iterations.
        check_every (int): How often to ask whether to stop.

    Returns:
        tuple[Tensor, Tensor, Tensor, Tensor]: The moments, their mean
        log-likelihood (P,), the iterations of each problem (P,) and whether
        it converged (P,).
    """
    last = torch.full_like(weights[:, 0, 0], -torch.inf)
    converged = torch.zeros_like(last, dtype=torch.bool)
    n_iter = torch.full_like(last, max_iter, dtype=torch.int64)
    buffers = diagonal_buffers(moments, ridge) if block == 1 else [ridge]
    for iteration in range(1, max_iter + 1):
        numerator, total, peak = softmax(
            log_joint(data, moments, ridge, floor, block, buffers))
        mass = numerator.mul_(weights / total)
        if tol == 0 and not is_dense(block):
            torch.baddbmm(prior, mass, data.transpose(1, 2), out=moments)
            continue
        new = update(data, mass, prior, block)
        if tol == 0:
            moments = new
            continue
        frozen = converged.reshape([-1] + [1] * (moments.dim() - 1))
        torch.where(frozen, moments, new, out=moments)
        likelihood = mean_likelihood(total, peak, weights)
        close = (likelihood - last).abs() < tol
        n_iter = torch.where(close & ~converged, iteration, n_iter)
        converged = converged | close
        last = likelihood
        if iteration % check_every == 0 and bool(converged.all()):
            break
    _, total, peak = softmax(
        log_joint(data, moments, ridge, floor, block, buffers))
    return moments, mean_likelihood(total, peak, weights), n_iter, converged
