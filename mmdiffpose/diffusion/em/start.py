# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Where EM starts: a hard assignment of the samples to M components."""
import math
from typing import List

import torch
from torch import Tensor

INITS = ('kmeans++', 'split')


def uniforms_needed(init: str, num_components: int) -> int:
    """How many uniform numbers a problem's initialisation reads."""
    if init == 'split':
        return 0
    # A first centre, then candidates for each other one, as many as Arthur
    # and Vassilvitskii suggest.
    return 1 + (num_components - 1) * (2 + int(math.log(num_components)))


def initial_membership(x: Tensor, square: Tensor, weights: Tensor,
                       num_components: int, init: str,
                       uniform: Tensor) -> Tensor:
    """Assigns each sample to a component.

    Args:
        x (Tensor): Samples, centred and of order one, (P, D, n).
        square (Tensor): Their squares, (P, D, n).
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


def _kmeans_plus_plus(x: Tensor, square: Tensor, weights: Tensor,
                      num_components: int, uniform: Tensor) -> Tensor:
    """Greedy k-means++ (Arthur and Vassilvitskii, SODA 2007).

    Each new centre is the best of a few candidates, drawn in proportion to
    weight times squared distance to the nearest centre so far.
    """
    norm = square.sum(1, keepdim=True)  # (P, 1, n)
    nearest = _square_distance(x, norm, _draw(weights, uniform[:, :1]))
    chosen: List[Tensor] = [nearest]
    num_trials = (uniform.shape[1] - 1) // max(1, num_components - 1)
    for m in range(num_components - 1):
        draws = uniform[:, 1 + m * num_trials:1 + (m + 1) * num_trials]
        candidates = _draw(nearest * weights, draws)
        distance = _square_distance(x, norm, candidates)  # (P, trials, n)
        potential = torch.bmm(
            torch.minimum(distance, nearest), weights.transpose(1, 2))
        best = potential.argmin(1, keepdim=True).expand_as(norm)
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


def _square_distance(x: Tensor, norm: Tensor, index: Tensor) -> Tensor:
    """Squared distances of all samples to k of them, (P, k, n)."""
    centres = x.gather(2, index[:, None].expand(-1, x.shape[1], -1))
    norms = norm + norm.gather(2, index[:, None]).transpose(1, 2)
    return norms.baddbmm_(centres.transpose(1, 2), x, alpha=-2).clamp_min_(0.0)


def _split(x: Tensor, square: Tensor, weights: Tensor,
           num_components: int) -> Tensor:
    """Cuts, M - 1 times, the part and axis of the largest scatter in two.

    The cut is at the part's mean. Deterministic; no draws.
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
