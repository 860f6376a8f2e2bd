# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The two steps of EM for diagonal covariances, as products with features.

The features are those of `blocks`, for blocks of one dimension: squares,
samples and ones, as they are. The arithmetic between EM's two products is on
a few thousand numbers, so that the calls cost more than their work: there
are as few as possible, into buffers and views made once.
"""
import torch
from torch import Tensor

from .frame import pivot_floor
from .steps import Gaussians, Steps


class DiagonalSteps(Steps):
    """EM without whitening: nothing mixes the scales of the dimensions.

    Args:
        rows (Tensor): Squares, samples and ones, (P, 2D + 1, n).
        variance (Tensor): Of the data, with the regularisation, (P, 1, D).
        ridge (Tensor): The regularisation alone, (P, 1, D).
        num_components (int): M.
    """

    def __init__(self, rows: Tensor, variance: Tensor, ridge: Tensor,
                 num_components: int) -> None:
        one = torch.ones_like(variance[..., :1])
        whole = torch.cat([variance, torch.zeros_like(variance), one], -1)
        super().__init__(rows, whole, num_components)
        num_dims = variance.shape[-1]
        self.ridge = ridge
        self.floor = pivot_floor(variance) * variance
        self._sums, self._mass = self.moments.split([2 * num_dims, 1], -1)
        self._normal = torch.empty_like(self._sums)
        self._second, self._mean = self._normal.split(num_dims, -1)
        self._variance = torch.empty_like(self._mean)
        self._natural = torch.empty_like(self.moments)
        self._quadratic, self._linear, self._bias = self._natural.split(
            [num_dims, num_dims, 1], -1)
        self._minus_half = torch.full_like(ridge[0, 0, 0], -0.5)

    def log_joint(self) -> Tensor:
        """See :meth:`Steps.log_joint`."""
        self._central()
        mean, variance = self._mean, self._variance
        torch.div(mean, variance, out=self._linear)
        torch.div(self._minus_half, variance, out=self._quadratic)
        # log pi - 1/2 sum(log variance + mean^2 / variance).
        energy = variance.log_().addcmul_(mean, self._linear)
        torch.sub(
            self._mass.log(),
            energy.sum(-1, keepdim=True),
            alpha=0.5,
            out=self._bias)
        return torch.bmm(self._natural, self.data)

    def gaussians(self) -> Gaussians:
        """See :meth:`Steps.gaussians`."""
        self._central()
        scale = self._variance.sqrt()[..., None, None]
        return Gaussians(self._mass[..., 0], self._mean, scale)

    def _central(self) -> None:
        """Sets the means and the variances."""
        torch.div(self._sums, self._mass, out=self._normal)
        torch.addcmul(
            self._second, self._mean, self._mean, value=-1, out=self._variance)
        self._variance.add_(self.ridge)
        torch.maximum(self._variance, self.floor, out=self._variance)
