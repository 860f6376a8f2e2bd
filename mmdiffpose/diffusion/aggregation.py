# Copyright (c) mmdiffpose contributors. All rights reserved.
"""From hypotheses to one pose and its uncertainty."""

from typing import Optional

import torch
from torch import Tensor


def mean_pose(hypotheses: Tensor, dim: int = 1) -> Tensor:
    """Mean over the hypotheses, as DiffPose and DiffHPE aggregate.

    Args:
        hypotheses (Tensor): Poses (B, N, T, J, 3), metres.
        dim (int): The hypothesis axis. Defaults to 1.

    Returns:
        Tensor: (B, T, J, 3), metres.
    """
    return hypotheses.mean(dim=dim)


def geometric_median(hypotheses: Tensor,
                     dim: int = 1,
                     iterations: int = 30) -> Tensor:
    r"""Point of least mean distance to a joint's hypotheses.

    Where the mean is best in squares, this is best in what MPJPE measures: of
    all points it has the least :math:`\sum_n |h_n - m|`. Weiszfeld's
    iterations from the mean (Tohoku Math. J. 43, 1937), each the mean with
    weights :math:`1 / |h_n - m|`; they shrink the distance to the median by
    a factor a step, for 20 spread-out hypotheses to a hundredth of a
    millimetre in 30.

    Args:
        hypotheses (Tensor): Poses (B, N, T, J, 3), metres.
        dim (int): The hypothesis axis. Defaults to 1.
        iterations (int): Defaults to 30.

    Returns:
        Tensor: (B, T, J, 3), metres.
    """
    median = hypotheses.mean(dim=dim, keepdim=True)
    for _ in range(iterations):
        distance = (hypotheses - median).norm(dim=-1, keepdim=True)
        # A micrometre: at a hypothesis the weight has no value.
        weight = 1 / distance.clamp(min=1e-6)
        median = (weight * hypotheses).sum(
            dim=dim, keepdim=True) / weight.sum(
                dim=dim, keepdim=True)
    return median.squeeze(dim)


def medoid(hypotheses: Tensor) -> Tensor:
    """The hypothesis of each window that is nearest to all others.

    Least sum, over the other hypotheses, of the distances of all joints in
    all frames. A pose that the model has drawn, with the bones and in the
    mode that it has drawn, where a mean may lie between two modes.

    Args:
        hypotheses (Tensor): Poses (B, N, T, J, 3), metres.

    Returns:
        Tensor: (B, T, J, 3), metres.
    """
    total = hypotheses.new_zeros(hypotheses.shape[:2])
    # One against all at a time: memory stays that of the hypotheses.
    for other in hypotheses.unbind(dim=1):
        total += (hypotheses - other[:, None]).norm(dim=-1).sum(dim=(2, 3))
    return _take(hypotheses, total.argmin(dim=1))


def spread(hypotheses: Tensor, dim: int = 1) -> Tensor:
    """Per-joint standard deviation of the hypotheses.

    The root of the unbiased variance, averaged over x, y and z: the std per
    axis, so that for an isotropic Gaussian the error's length is about
    1.6 times it. One hypothesis has no spread; NaN would travel far, so 0 is
    returned.

    Args:
        hypotheses (Tensor): Poses (B, N, T, J, 3), metres.
        dim (int): The hypothesis axis. Defaults to 1.

    Returns:
        Tensor: (B, T, J), metres.
    """
    if hypotheses.shape[dim] < 2:
        return torch.zeros_like(hypotheses.select(dim, 0)[..., 0])
    return hypotheses.var(dim=dim, unbiased=True).mean(dim=-1).sqrt()


def std_per_axis(std: Tensor) -> Tensor:
    """One std per axis in place of those along x, y and z.

    The root of their mean variance, as :func:`spread` gives it.

    Args:
        std (Tensor): (..., 3), metres.

    Returns:
        Tensor: (...), metres.
    """
    return std.square().mean(dim=-1).sqrt()


def score_from_std(std: Tensor, radius: float = 0.15) -> Tensor:
    r"""Confidence in [0, 1]: the chance that a joint lies within ``radius``.

    For an isotropic Gaussian error with std :math:`\sigma` per axis the
    error's length over :math:`\sigma` follows a chi distribution with three
    degrees of freedom, so the score is its distribution function at
    :math:`r / \sigma`. With the default radius of 150 mm it is the predicted
    probability that the joint counts as correct in 3D PCK@150.

    Args:
        std (Tensor): Per-axis std, any shape, metres.
        radius (float): Metres. Defaults to 0.15.

    Returns:
        Tensor: The shape of ``std``.
    """
    ratio = radius / std.clamp(min=1e-6)
    tail = (2 / torch.pi)**0.5 * ratio * torch.exp(-ratio**2 / 2)
    return (torch.erf(ratio / 2**0.5) - tail).clamp(0, 1)


# Choices that look at the ground truth. They bound what an aggregation could
# reach and are no results: metrics report them below ``oracle/``, and no head
# predicts with them.


def oracle_best(hypotheses: Tensor,
                target: Tensor,
                known: Optional[Tensor] = None) -> Tensor:
    """The hypothesis of each window that is nearest to the ground truth.

    Args:
        hypotheses (Tensor): (B, N, T, J, 3), root-relative metres.
        target (Tensor): (B, T, J, 3), root-relative metres.
        known (Tensor, optional): Joints whose target is known (B, T, J),
            bool; only they decide. All where absent.

    Returns:
        Tensor: (B, T, J, 3), metres.
    """
    errors = _window_errors(hypotheses, target, known)
    return _take(hypotheses, errors.argmin(dim=1))


def oracle_worst(hypotheses: Tensor,
                 target: Tensor,
                 known: Optional[Tensor] = None) -> Tensor:
    """The hypothesis of each window that is farthest from the truth.

    Arguments and result as in :func:`oracle_best`.
    """
    errors = _window_errors(hypotheses, target, known)
    return _take(hypotheses, errors.argmax(dim=1))


def _window_errors(hypotheses: Tensor, target: Tensor,
                   known: Optional[Tensor]) -> Tensor:
    """Sum of each hypothesis' joint errors over its window, (B, N)."""
    errors = (hypotheses - target[:, None]).norm(dim=-1)
    if known is not None:
        errors = torch.where(known[:, None], errors, 0.)
    return errors.sum(dim=(2, 3))


def _take(hypotheses: Tensor, index: Tensor) -> Tensor:
    return hypotheses[torch.arange(len(index), device=index.device), index]
