# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Where EM starts: a hard assignment of the samples to M components.

Axis letters: P problems, n samples, M components, D dimensions. The samples
come transposed, (P, D, n), centred and scaled to at most about one.
"""
import math

import torch
from torch import Tensor

INITS = ('kmeans++', 'split')


def uniforms_needed(init: str, num_components: int) -> int:
    """How many uniform numbers a problem's initialisation reads."""
    if init == 'split':
        return 0
    return 1 + (num_components - 1) * _num_trials(num_components)


def initial_membership(x: Tensor, square: Tensor, weights: Tensor,
                       num_components: int, init: str,
                       uniform: Tensor) -> Tensor:
    """Assigns each sample to a component.

    Args:
        x (Tensor): (P, D, n).
        square (Tensor): The squares of `x`, (P, D, n).
        weights (Tensor): Non-negative, (P, 1, n).
        num_components (int): M.
        init (str): 'kmeans++' or 'split'.
        uniform (Tensor): Numbers in [0, 1),
            (P, uniforms_needed(init, M)).

    Returns:
        Tensor: Indicators with sum 1 over the components, (P, M, n).
        Components that start at the same place share their samples.
    """
    if init == 'split':
        return _split(x, square, weights, num_components)
    return _kmeans_plus_plus(x, square, weights, num_components, uniform)


def _num_trials(num_components: int) -> int:
    """Candidates per new centre, as Arthur and Vassilvitskii suggest."""
    return 2 + int(math.log(num_components))


def _kmeans_plus_plus(x: Tensor, square: Tensor, weights: Tensor,
                      num_components: int, uniform: Tensor) -> Tensor:
    """Greedy k-means++ (Arthur and Vassilvitskii, SODA 2007).

    Each new centre is the best of a few candidates, drawn in proportion to
    weight times squared distance to the nearest centre so far.
    """
    square = square.sum(1, keepdim=True)  # (P, 1, n)
    distance = _square_distance(x, square, _draw(weights, uniform[:, :1]))
    draws = uniform[:,
                    1:].unflatten(1,
                                  (num_components - 1,
                                   -1)).unbind(1) if num_components > 1 else ()
    chosen = [distance]
    nearest = distance
    for uniform_m in draws:
        candidates = _draw(nearest * weights, uniform_m)
        distance = _square_distance(x, square, candidates)  # (P, trials, n)
        potential = torch.bmm(
            torch.minimum(distance, nearest), weights.transpose(1, 2))[..., 0]
        best = potential.argmin(1)[:, None, None].expand_as(square)
        chosen.append(distance.gather(1, best))
        nearest = torch.minimum(nearest, chosen[-1])
    member = (torch.cat(chosen, 1) == nearest).to(x.dtype)
    return member.div_(member.sum(1, keepdim=True))


def _draw(mass: Tensor, uniform: Tensor) -> Tensor:
    """Samples drawn in proportion to (P, 1, n) at (P, k) uniform numbers."""
    cumulative = mass[:, 0].cumsum(-1, dtype=torch.float64)
    target = uniform * cumulative[:, -1:]
    index = torch.searchsorted(cumulative, target, right=True)
    return index.clamp_max_(mass.shape[-1] - 1)


def _square_distance(x: Tensor, square: Tensor, index: Tensor) -> Tensor:
    """Squared distances of all samples to k of them, (P, k, n)."""
    centres = x.gather(2, index[:, None].expand(-1, x.shape[1], -1))
    sum_of_squares = square + square.gather(2, index[:, None]).transpose(1, 2)
    return sum_of_squares.baddbmm_(
        centres.transpose(1, 2), x, alpha=-2).clamp_min_(0)


def _split(x: Tensor, square: Tensor, weights: Tensor,
           num_components: int) -> Tensor:
    """Cuts, M - 1 times, the part and axis of the largest scatter in two.

    The cut is at the part's mean. Deterministic; no draws.
    """
    num_problems, num_dims, n = x.shape
    member = x.new_zeros(num_problems, num_components, n)
    member[:, 0] = 1
    problem = torch.arange(num_problems, device=x.device)
    for m in range(1, num_components):
        weighted = member[:, :m] * weights
        mass = weighted.sum(-1, keepdim=True)
        mean = torch.bmm(weighted, x.transpose(1, 2))  # (P, m, D)
        mean = mean / mass.clamp_min(torch.finfo(x.dtype).tiny)
        second = torch.bmm(weighted, square.transpose(1, 2))
        widest = (second - mass * mean.square()).flatten(1).argmax(1)
        part, axis = widest // num_dims, widest % num_dims
        above = x[problem, axis] > mean[problem, part, axis][:, None]
        member[:, m] = member[problem, part] * above
        member[problem, part] -= member[:, m]
    return member
