# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Coordinates in which float32 is enough, and the way back."""
from typing import Tuple

import torch
from torch import Tensor

from ..tracing import can_ask


def empty_rows(x: Tensor, num_problems: int, padding: int,
               dtype: torch.dtype) -> Tensor:
    """Room for the squares and the samples of some problems, and ones.

    Args:
        x (Tensor): (P, n, D).
        num_problems (int): How many problems at a time.
        padding (int): Samples to add; they are zero, as are their ones.
        dtype (torch.dtype): Of the rows.

    Returns:
        Tensor: (num_problems, 2D + 1, n + padding).
    """
    n, num_dims = x.shape[1:]
    rows = torch.empty([num_problems, 2 * num_dims + 1, n + padding],
                       dtype=dtype,
                       device=x.device)
    rows[..., n:].zero_()
    rows[:, -1, :n].fill_(1.0)
    return rows


def standardise(x: Tensor, weights: Tensor, reg_covar: float,
                rows: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
    """Centres the samples and squares them.

    Args:
        x (Tensor): (P, n, D).
        weights (Tensor): With sum 1, (P, 1, n + padding).
        reg_covar (float): Regularisation, in squared units of x.
        rows (Tensor): From `empty_rows`; the squares and the samples go
            there.

    Returns:
        tuple[Tensor, Tensor, Tensor]: The mean of the squares, what was
        subtracted, and what the dimensions were divided by, (P, 1, D). The
        last is 1 unless the squares would leave the range of float32, and
        not finite where the samples aren't.
    """
    n, num_dims = x.shape[1:]
    square, unit = rows[:, :num_dims], rows[:, num_dims:-1]
    # The mean, up to rounding. What is left is exact even where the data lie
    # far from zero.
    centre = torch.bmm(weights[..., :n], x)
    torch.sub(x.transpose(1, 2), centre.transpose(1, 2), out=unit[..., :n])
    torch.mul(unit, unit, out=square)
    variance = torch.bmm(weights, square.transpose(1, 2))
    scale = torch.ones_like(variance)
    odd = ~(variance < 1e24)
    if reg_covar < 1e-24:
        odd = odd | (variance < 1e-24)
    if not can_ask(odd) or bool(odd.any()):
        largest = unit.abs().amax(2)[:, None]
        scale = torch.where(odd & (largest != 0), largest, scale)
        unit.div_(scale.transpose(1, 2))
        torch.mul(unit, unit, out=square)
        variance = torch.bmm(weights, square.transpose(1, 2))
    return variance, centre, scale


def whitening(unit: Tensor, weights: Tensor, variance: Tensor,
              reg_covar: Tensor, block: int) -> Tuple[Tensor, Tensor]:
    """Scales each dimension, then decorrelates each block.

    It needn't be exact, it only has to be undone exactly. The regularisation
    is part of the covariance that it makes the identity, so dimensions and
    directions without variance stay harmless.

    Args:
        unit (Tensor): Centred samples, (P, D, n).
        weights (Tensor): With sum 1, (P, 1, n).
        variance (Tensor): Of each dimension, positive, (P, 1, D).
        reg_covar (Tensor): Regularisation of each dimension, (P, 1, D).
        block (int): b.

    Returns:
        tuple[Tensor, Tensor]: Lower-triangular blocks F with unit = F white,
        (P, J, b, b), and their inverses.
    """
    spread = variance.sqrt().reshape(unit.shape[0], -1, block, 1)
    scaled = unit.unflatten(1, (-1, block)) / spread
    total = torch.matmul(scaled * weights[:, None], scaled.transpose(2, 3))
    ridge = (reg_covar / variance).reshape(unit.shape[0], -1, block)
    factor = safe_cholesky(total + torch.diag_embed(ridge))
    inverse = invert_lower(factor)
    return spread * factor, inverse / spread.transpose(2, 3)


def apply_blocks(matrix: Tensor, x: Tensor) -> Tensor:
    """Block-diagonal matrices (P, J, b, b) times (P, D, n)."""
    blocks = x.unflatten(1, (matrix.shape[1], matrix.shape[2]))
    return torch.matmul(matrix, blocks).flatten(1, 2)


def pivot_floor(x: Tensor) -> float:
    """Smallest variance in whitened coordinates: what rounding leaves."""
    return 1e-6 if x.dtype == torch.float32 else 1e-12


def safe_cholesky(covariance: Tensor) -> Tensor:
    """Cholesky factors, (..., b, b), that always exist.

    Where rounding left no factor, or next to nothing in a direction, the
    diagonal is raised by the floor; a matrix without a factor even so loses
    what is beside its diagonal.

    Args:
        covariance (Tensor): In whitened coordinates, (..., b, b).
    """
    floor = pivot_floor(covariance)
    factor, info = torch.linalg.cholesky_ex(covariance)
    smallest = factor.diagonal(dim1=-2, dim2=-1).amin(-1)
    sound = ((info == 0) & (smallest > floor**0.5))[..., None, None]
    # A GPU's host would have to wait for the answer.
    if (factor.device.type == 'cpu' and can_ask(sound) and bool(sound.all())):
        return factor
    diagonal = covariance.diagonal(dim1=-2, dim2=-1)
    raised = covariance + torch.diag_embed(floor * diagonal.clamp_min(1.0))
    wider, info = torch.linalg.cholesky_ex(raised)
    spread = torch.diag_embed(diagonal.clamp_min(floor).sqrt())
    wider = torch.where((info == 0)[..., None, None], wider, spread)
    return torch.where(sound, factor, wider)


def invert_lower(factor: Tensor) -> Tensor:
    """Inverses of lower-triangular matrices (..., b, b)."""
    eye = torch.eye(factor.shape[-1], dtype=factor.dtype, device=factor.device)
    return torch.linalg.solve_triangular(
        factor, eye.expand_as(factor), upper=False, left=False)
