# Copyright (c) mmdiffpose contributors. All rights reserved.
"""EM for mixtures whose log-densities are linear in few features.

Axis letters: P problems, n samples, M components, F features, D dimensions;
blocks of b dimensions, J of them.
"""
from typing import Dict, Optional, Sequence, Tuple

import torch
from torch import Tensor

from .families import (PRIOR_MASS, Gaussians, Problems, apply_blocks,
                       pivot_floor)

# Lower entries (i, j), i >= j, of many small matrices; (P, M, J) each.
Entries = Dict[Tuple[int, int], Tensor]


class _LinearFamily:
    """Covariances whose mixtures are linear in few features.

    A Gaussian is an exponential family: with the features
    phi(x) = (x_i x_j within a block, x, 1) its log-density is linear in phi,
    so the E-step is one product of natural parameters and features and the
    M-step one product of masses and features.

    The features are (P, F, n) with F = J b (b + 1) / 2 + D + 1; rows of one
    kind hold all blocks in turn.
    """

    def __init__(self, problems: Problems) -> None:
        unit, whitener = problems.unit, problems.whitener
        self.num_blocks, self.block = whitener.shape[1:3]
        self.pairs = [(i, j) for i in range(self.block) for j in range(i + 1)]
        num_kinds = len(self.pairs) + self.block
        self._features = unit.new_empty(
            len(unit), num_kinds * self.num_blocks + 1, unit.shape[2])
        kinds = self._features[:, :-1].unflatten(1, (num_kinds, -1)).unbind(1)
        axes = kinds[len(self.pairs):]
        if self.block == 1:
            torch.mul(whitener[..., 0], unit, out=axes[0])
        else:
            white = apply_blocks(whitener,
                                 unit).unflatten(1, (-1, self.block)).unbind(2)
            for axis, row in zip(axes, white):
                axis.copy_(row)
        for kind, (i, j) in zip(kinds, self.pairs):
            torch.mul(axes[i], axes[j], out=kind)
        self._features[:, -1] = 1
        self._transposed = self._features.transpose(1, 2)
        # In whitened coordinates the data have variance 1 and mean 0.
        self._prior = unit.new_zeros(1, 1, self._features.shape[1])
        self._prior[..., -1] = PRIOR_MASS
        for kind, (i, j) in enumerate(self.pairs):
            if i == j:
                rows = slice(kind * self.num_blocks,
                             (kind + 1) * self.num_blocks)
                self._prior[..., rows] = PRIOR_MASS
        self._ridge = torch.stack(
            [problems.ridge[..., i, j] for i, j in self.pairs], 1)[:, None]
        shape = (len(unit), problems.num_components, self._features.shape[1])
        self.moments = unit.new_zeros(shape)
        self._next = torch.empty_like(self.moments)
        self._log_joint = unit.new_empty(*shape[:2], unit.shape[2])

    def update(self, mass: Tensor, frozen: Optional[Tensor] = None) -> None:
        """See :class:`Family`."""
        if frozen is None:
            torch.baddbmm(
                self._prior, mass, self._transposed, out=self.moments)
            return
        torch.baddbmm(self._prior, mass, self._transposed, out=self._next)
        torch.where(
            frozen[:, None, None], self.moments, self._next, out=self.moments)


class DiagonalFamily(_LinearFamily):
    """Diagonal covariances (blocks of one dimension).

    The arithmetic between the two products is on a few thousand numbers, so
    that the calls cost more than the work: there are as few as possible,
    into buffers and views made once.
    """

    def __init__(self, problems: Problems) -> None:
        super().__init__(problems)
        num_dims = self.num_blocks
        self._mass = self.moments[..., -1:]
        self._sums = self.moments[..., :-1]
        self._normal = torch.empty_like(self._sums)
        self._second, self._mean = self._normal.split(num_dims, -1)
        self._variance = torch.empty_like(self._mean)
        self._energy = torch.empty_like(self._mass)
        self._log_mass = torch.empty_like(self._mass)
        self._natural = torch.empty_like(self.moments)
        self._quadratic, self._linear, self._bias = self._natural.split(
            (num_dims, num_dims, 1), -1)
        self._extra = self._ridge[:, :, 0]
        self._floor = pivot_floor(self.moments.dtype)

    def log_joint(self) -> Tensor:
        """See :class:`Family`."""
        mean, variance, linear = self._mean, self._variance, self._linear
        self._central()
        torch.div(mean, variance, out=linear)
        torch.div(-0.5, variance, out=self._quadratic)
        # log pi - 1/2 sum(log variance + mean^2 / variance).
        variance.log_().addcmul_(mean, linear)
        torch.sum(variance, -1, keepdim=True, out=self._energy)
        torch.log(self._mass, out=self._log_mass)
        torch.sub(self._log_mass, self._energy, alpha=0.5, out=self._bias)
        return torch.bmm(self._natural, self._features, out=self._log_joint)

    def gaussians(self) -> Gaussians:
        """See :class:`Family`."""
        self._central()
        return Gaussians(self._mass[..., 0].log(), self._mean,
                         self._variance[..., None, None])

    def _central(self) -> None:
        """Fills in the means and the variances."""
        torch.div(self._sums, self._mass, out=self._normal)
        torch.addcmul(
            self._second, self._mean, self._mean, value=-1, out=self._variance)
        self._variance.add_(self._extra).clamp_min_(self._floor)


class BlockFamily(_LinearFamily):
    """Block-diagonal covariances with small blocks, unrolled.

    The arithmetic between the two products is elementwise on (P, M, J)
    tensors, one for each entry (i, j) of a block.
    """

    def log_joint(self) -> Tensor:
        """See :class:`Family`."""
        return torch.bmm(self._natural(), self._features, out=self._log_joint)

    def gaussians(self) -> Gaussians:
        """See :class:`Family`."""
        mass, means, entries = self._central()
        rows = [
            torch.stack(
                [entries[max(i, j), min(i, j)] for j in range(self.block)], -1)
            for i in range(self.block)
        ]
        return Gaussians(mass[..., 0].log(),
                         torch.stack(means, -1).flatten(2),
                         torch.stack(rows, -2))

    def _central(self) -> Tuple[Tensor, Sequence[Tensor], Entries]:
        """Masses (P, M, 1), means by axis and covariances by entry."""
        mass = self.moments[..., -1:]
        kinds = (self.moments[..., :-1] / mass).unflatten(
            -1, (-1, self.num_blocks)).unbind(2)
        means = kinds[len(self.pairs):]
        entries = {}
        for pair, second, extra in zip(self.pairs, kinds,
                                       self._ridge.unbind(2)):
            first, other = (means[axis] for axis in pair)
            entries[pair] = torch.addcmul(
                second, first, other, value=-1).add_(extra)
        return mass, means, entries

    def _natural(self) -> Tensor:
        """Natural parameters, (P, M, F)."""
        mass, means, entries = self._central()
        precision, energy = _invert(entries, self.block)
        linear = []
        for i in range(self.block):
            total = precision[i, 0] * means[0]
            for j in range(1, self.block):
                total = torch.addcmul(total, precision[max(i, j),
                                                       min(i, j)], means[j])
            linear.append(total)
            energy = torch.addcmul(energy, total, means[i])
        bias = torch.sub(mass.log(), energy.sum(-1, keepdim=True), alpha=0.5)
        quadratic = [
            precision[i, j] * (-0.5 if i == j else -1.0) for i, j in self.pairs
        ]
        return torch.cat((*quadratic, *linear, bias), -1)


def _invert(entries: Entries, block: int) -> Tuple[Entries, Tensor]:
    """Inverts blocks by L D L^T, with the pivots kept above a floor.

    Returns:
        tuple[Entries, Tensor]: The lower entries of the inverses and the
        log-determinants of the blocks.
    """
    floor = pivot_floor(entries[0, 0].dtype)
    lower: Entries = {}  # L below its unit diagonal
    inner: Entries = {}  # L D
    scaled: Entries = {}  # D^-1 L^-1
    determinant = None
    for i in range(block):
        for j in range(i + 1):
            rest = entries[i, j]
            for k in range(j):
                rest = torch.addcmul(rest, lower[i, k], inner[j, k], value=-1)
            inner[i, j] = rest
            if j < i:
                lower[i, j] = rest * scaled[j, j]
        pivot = inner[i, i].clamp_min(floor)
        determinant = pivot if i == 0 else determinant * pivot
        scaled[i, i] = pivot.reciprocal()
    unit: Entries = {}  # L^-1 below its unit diagonal
    for i in range(block):
        for j in range(i):
            rest = -lower[i, j]
            for k in range(j + 1, i):
                rest = torch.addcmul(rest, lower[i, k], unit[k, j], value=-1)
            unit[i, j] = rest
            scaled[i, j] = rest * scaled[i, i]
    inverse = {}
    for i, j in entries:
        total = scaled[i, j]
        for k in range(i + 1, block):
            total = torch.addcmul(total, unit[k, i], scaled[k, j])
        inverse[i, j] = total
    return inverse, determinant.log()
