# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Where EM starts: a hard assignment of the samples to M components."""
import torch
from torch import Tensor


def initial_membership(x: Tensor, square: Tensor, weights: Tensor,
                       num_components: int) -> Tensor:
    """Cuts, M - 1 times, the part and axis of the largest scatter in two.

    The cut is at the part's mean. Deterministic; no draws.

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
