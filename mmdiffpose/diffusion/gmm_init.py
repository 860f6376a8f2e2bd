# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Where EM starts: a hard assignment of the samples to M components.

Axis letters: P problems, n samples, M components, D dimensions. The samples
come transposed, (P, D, n), centred and of unit order of magnitude.
"""
import math
from typing import Optional

import torch
from torch import Tensor


def uniforms_needed(init: str, num_components: int) -> int:
    """How many uniform numbers a problem's initialisation reads."""
    if init == 'split':
        return 0
    return 1 + (num_components - 1) * _num_trials(num_components)


def initial_labels(x: Tensor, weights: Tensor, num_components: int, init: str,
                   uniform: Optional[Tensor]) -> Tensor:
    """Assigns each sample to a component.

    Args:
        x (Tensor): (P, D, n).
        weights (Tensor): Non-negative, (P, n).
        num_components (int): M.
        init (str): 'kmeans++' or 'split'.
        uniform (Tensor, optional): Numbers in [0, 1),
            (P, uniforms_needed(init, M)), for 'kmeans++'.

    Returns:
        Tensor: (P, n), int64 in [0, M).
    """
    if init == 'split':
        return _split(x, weights, num_components)
    return _kmeans_plus_plus(x, weights, num_components, uniform)


def _num_trials(num_components: int) -> int:
    """Candidates per new centre, as Arthur and Vassilvitskii suggest."""
    return 2 + int(math.log(num_components))


def _kmeans_plus_plus(x: Tensor, weights: Tensor, num_components: int,
                      uniform: Tensor) -> Tensor:
    """Greedy k-means++ (Arthur and Vassilvitskii, SODA 2007).

    Each new centre is the best of a few candidates, drawn in proportion to
    weight times squared distance to the nearest centre so far.
    """
    num_problems, _, n = x.shape
    square = x.square().sum(1, keepdim=True)  # (P, 1, n)
    first = _invert_cdf(weights, uniform[:, :1])
    nearest = _square_distance(x, square, first)[:, 0]  # (P, n)
    labels = torch.zeros(num_problems, n, dtype=torch.long, device=x.device)
    draws = uniform[:, 1:].reshape(num_problems, -1,
                                   _num_trials(num_components))
    for m in range(1, num_components):
        candidates = _invert_cdf(weights * nearest, draws[:, m - 1])
        distance = _square_distance(x, square, candidates)  # (P, trials, n)
        potential = (torch.minimum(distance, nearest[:, None]) *
                     weights[:, None]).sum(-1)
        best = potential.argmin(1)[:, None, None].expand(-1, 1, n)
        chosen = distance.gather(1, best)[:, 0]
        closer = chosen < nearest
        labels = torch.where(closer, m, labels)
        nearest = torch.where(closer, chosen, nearest)
    return labels


def _invert_cdf(mass: Tensor, uniform: Tensor) -> Tensor:
    """Samples drawn in proportion to (P, n) at (P, k) uniform numbers."""
    cumulative = mass.double().cumsum(-1)
    target = uniform * cumulative[:, -1:]
    index = torch.searchsorted(cumulative, target, right=True)
    return index.clamp_max(mass.shape[-1] - 1)


def _square_distance(x: Tensor, square: Tensor, index: Tensor) -> Tensor:
    """Squared distances of all samples to k of them, (P, k, n)."""
    centres = x.gather(2, index[:, None].expand(-1, x.shape[1], -1))
    offset = centres.square().sum(1)[..., None]
    product = torch.bmm(centres.transpose(1, 2), x)
    return (square + offset - 2 * product).clamp_min_(0)


def _split(x: Tensor, weights: Tensor, num_components: int) -> Tensor:
    """Cuts, M - 1 times, the part and axis of the largest scatter in two.

    The cut is at the part's mean. Deterministic; no draws.
    """
    num_problems, num_dims, n = x.shape
    labels = torch.zeros(num_problems, n, dtype=torch.long, device=x.device)
    problem = torch.arange(num_problems, device=x.device)
    square = x.square()
    for m in range(1, num_components):
        member = (labels[:, None] == torch.arange(
            m, device=x.device)[:, None]) * weights[:, None]  # (P, m, n)
        mass = member.sum(-1, keepdim=True).clamp_min(1e-30)
        mean = torch.bmm(member, x.transpose(1, 2)) / mass  # (P, m, D)
        second = torch.bmm(member, square.transpose(1, 2))
        scatter = second - mass * mean.square()
        widest = scatter.flatten(1).argmax(1)
        part, axis = widest // num_dims, widest % num_dims
        above = x[problem, axis] > mean[problem, part, axis][:, None]
        cut = above & (labels == part[:, None])
        labels = torch.where(cut, m, labels)
    return labels
