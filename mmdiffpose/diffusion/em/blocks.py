# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The two steps of EM for small blocks, as products with features.

A Gaussian is an exponential family: with the features
phi(x) = (x_i x_j within a block, x, 1) its log-density is linear in phi, so
the E-step is a product of natural parameters (P, M, F) and features
(P, F, n), and the M-step one of masses and features. There are
F = J b (b + 1) / 2 + D + 1 features; rows of one kind hold all blocks in
turn, first the products (0, 0), (1, 0), (1, 1), (2, 0), ...
"""
from typing import List, Tuple

import torch
from torch import Tensor

from .frame import apply_blocks, pivot_floor, safe_cholesky
from .steps import Gaussians, Steps


class BlockSteps(Steps):
    """EM for J blocks of a few dimensions, after whitening.

    The arithmetic between the two products is elementwise on (P, M, J)
    tensors, one for each entry (i, j) of a block.

    Args:
        rows (Tensor): Squares, samples and ones, (P, 2D + 1, n).
        whitener (Tensor): (P, J, b, b).
        ridge (Tensor): The regularisation after whitening, (P, J, b, b).
        num_components (int): M.
    """

    def __init__(self, rows: Tensor, whitener: Tensor, ridge: Tensor,
                 num_components: int) -> None:
        num_blocks, block = whitener.shape[1:3]
        kinds = [
            torch.full((num_blocks, ), float(i == j)) for i in range(block)
            for j in range(i + 1)
        ]
        kinds += [torch.zeros(num_blocks * block), torch.ones(1)]
        whole = torch.cat(kinds).to(rows)
        super().__init__(
            features(rows, whitener), whole.expand(rows.shape[0], 1, -1),
            num_components)
        self.ridge = ridge

    def log_joint(self) -> Tensor:
        """See :meth:`Steps.log_joint`."""
        block = self.ridge.shape[-1]
        mass, means, entries = self._central()
        precision, energy = _invert(entries, block)
        linear: List[Tensor] = []
        for i in range(block):
            total = precision[i * (i + 1) // 2] * means[0]
            for j in range(1, block):
                low, high = min(i, j), max(i, j)
                total = torch.addcmul(total,
                                      precision[high * (high + 1) // 2 + low],
                                      means[j])
            linear.append(total)
            energy = torch.addcmul(energy, total, means[i])
        quadratic: List[Tensor] = []
        for i in range(block):
            for j in range(i + 1):
                quadratic.append(precision[i * (i + 1) // 2 + j] *
                                 (-0.5 if i == j else -1.0))
        bias = torch.sub(mass.log(), energy.sum(-1, keepdim=True), alpha=0.5)
        return torch.bmm(torch.cat(quadratic + linear + [bias], -1), self.data)

    def gaussians(self) -> Gaussians:
        """See :meth:`Steps.gaussians`."""
        block = self.ridge.shape[-1]
        mass, axes, entries = self._central()
        covariance = entries[0].new_empty(entries[0].shape + (block, block))
        for i in range(block):
            for j in range(i + 1):
                entry = entries[i * (i + 1) // 2 + j]
                covariance[..., i, j] = entry
                covariance[..., j, i] = entry
        return Gaussians(mass[..., 0],
                         torch.stack(axes, -1).flatten(2),
                         safe_cholesky(covariance))

    def _central(self) -> Tuple[Tensor, List[Tensor], List[Tensor]]:
        """Central moments of the components.

        Returns:
            tuple[Tensor, list[Tensor], list[Tensor]]: Masses (P, M, 1);
            means by axis of the block and lower entries of the covariances,
            (P, M, J).
        """
        num_blocks, block = self.ridge.shape[1:3]
        num_entries = block * (block + 1) // 2
        mass = self.moments[..., -1:]
        normal = self.moments[..., :-1] / mass
        kinds = list(normal.unflatten(-1, (-1, num_blocks)).unbind(2))
        means = kinds[num_entries:]
        entries: List[Tensor] = []
        for i in range(block):
            for j in range(i + 1):
                second = kinds[i * (i + 1) // 2 + j]
                entries.append(
                    torch.addcmul(second, means[i], means[j],
                                  value=-1).add_(self.ridge[:, None, :, i, j]))
        return mass, means, entries


def features(rows: Tensor, whitener: Tensor) -> Tensor:
    """The features (P, F, n) of samples that are whitened first.

    Args:
        rows (Tensor): Squares, samples and ones, (P, 2D + 1, n).
        whitener (Tensor): (P, J, b, b).
    """
    unit = rows[:, rows.shape[1] // 2:-1]
    num_blocks, block = whitener.shape[1], whitener.shape[2]
    num_products = num_blocks * block * (block + 1) // 2
    phi = torch.empty(
        [unit.shape[0], num_products + unit.shape[1] + 1, unit.shape[2]],
        dtype=unit.dtype,
        device=unit.device)
    linear = phi[:, num_products:-1].unflatten(1, (block, num_blocks))
    white = apply_blocks(whitener, unit)
    linear.copy_(white.unflatten(1, (num_blocks, block)).transpose(1, 2))
    products = phi[:, :num_products].unflatten(1, (-1, num_blocks))
    for i in range(block):
        for j in range(i + 1):
            torch.mul(
                linear[:, i],
                linear[:, j],
                out=products[:, i * (i + 1) // 2 + j])
    phi[:, -1] = rows[:, -1]
    return phi


def _invert(entries: List[Tensor], block: int) -> Tuple[List[Tensor], Tensor]:
    """Inverts blocks by L D L^T, with the pivots kept above a floor.

    Returns:
        tuple[list[Tensor], Tensor]: The lower entries of the inverses and
        the log-determinants of the blocks, (P, M, J).
    """
    floor = pivot_floor(entries[0])
    lower: List[Tensor] = []  # L, with 1 / D on its diagonal
    inner: List[Tensor] = []  # L D
    determinant = torch.ones_like(entries[0])
    for i in range(block):
        row = i * (i + 1) // 2
        for j in range(i + 1):
            column = j * (j + 1) // 2
            rest = entries[row + j]
            for k in range(j):
                rest = torch.addcmul(
                    rest, lower[row + k], inner[column + k], value=-1)
            if i == j:
                rest = rest.clamp_min(floor)
                determinant = determinant * rest
                lower.append(rest.reciprocal())
            else:
                lower.append(rest * lower[column + j])
            inner.append(rest)
    unit: List[Tensor] = []  # L^-1, with 1 / D on its diagonal
    scaled: List[Tensor] = []  # D^-1 L^-1
    for i in range(block):
        row = i * (i + 1) // 2
        for j in range(i):
            rest = -lower[row + j]
            for k in range(j + 1, i):
                rest = torch.addcmul(
                    rest, lower[row + k], unit[k * (k + 1) // 2 + j], value=-1)
            unit.append(rest)
            scaled.append(rest * lower[row + i])
        unit.append(lower[row + i])
        scaled.append(lower[row + i])
    inverse: List[Tensor] = []
    for i in range(block):
        for j in range(i + 1):
            total = scaled[i * (i + 1) // 2 + j]
            for k in range(i + 1, block):
                row = k * (k + 1) // 2
                total = torch.addcmul(total, unit[row + i], scaled[row + j])
            inverse.append(total)
    return inverse, determinant.log()
