# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Natural parameters of components with diagonal covariances.

The features are those of `features`, for blocks of one dimension: squares,
samples and ones. The arithmetic between EM's two products is on a few
thousand numbers, so that the calls cost more than their work: there are as
few as possible, into buffers and views made once.
"""
from typing import List, Tuple

import torch
from torch import Tensor


def diagonal_central(moments: Tensor, ridge: Tensor,
                     floor: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
    """Masses (P, M, 1), means and variances (P, M, D).

    `ridge` is added to the variances, which stay above `floor`; both are
    (P, 1, D).
    """
    num_dims = ridge.shape[-1]
    mass = moments[..., -1:]
    normal = moments[..., :-1] / mass
    mean = normal[..., num_dims:]
    variance = torch.addcmul(normal[..., :num_dims], mean, mean, value=-1)
    return mass, mean, torch.maximum(variance.add_(ridge), floor)


def diagonal_buffers(moments: Tensor, ridge: Tensor) -> List[Tensor]:
    """What `diagonal_natural` writes to, and its views."""
    num_dims = ridge.shape[-1]
    natural = torch.empty_like(moments)
    normal = torch.empty_like(moments[..., :-1])
    return [
        natural, natural[..., :num_dims], natural[..., num_dims:-1],
        natural[..., -1:], normal, normal[..., :num_dims], normal[...,
                                                                  num_dims:],
        torch.empty_like(ridge.expand_as(normal[..., num_dims:])),
        moments[..., -1:], moments[..., :-1],
        torch.full_like(ridge[0, 0, 0], -0.5)
    ]


def diagonal_natural(buffers: List[Tensor], ridge: Tensor,
                     floor: Tensor) -> Tensor:
    """Natural parameters (P, M, 2D + 1) of the moments in `buffers`."""
    (natural, quadratic, linear, bias, normal, second, mean, variance, mass,
     sums, minus_half) = buffers
    torch.div(sums, mass, out=normal)
    torch.addcmul(second, mean, mean, value=-1, out=variance)
    variance.add_(ridge)
    torch.maximum(variance, floor, out=variance)
    torch.div(mean, variance, out=linear)
    torch.div(minus_half, variance, out=quadratic)
    # log pi - 1/2 sum(log variance + mean^2 / variance).
    energy = variance.log_().addcmul_(mean, linear).sum(-1, keepdim=True)
    torch.sub(mass.log(), energy, alpha=0.5, out=bias)
    return natural
