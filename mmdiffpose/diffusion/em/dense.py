# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The two steps of EM for large blocks, by Cholesky factors."""
import torch
from torch import Tensor

from .frame import invert_lower, safe_cholesky
from .steps import PRIOR_MASS, Gaussians, Steps

# Samples that go through a step together: what they become on the way, a
# vector for each component, then stays in a core's cache.
_PIECE = 256


class DenseSteps(Steps):
    """EM for one block of all dimensions, J = 1.

    Both steps read the samples less the mean that a component has so far:
    differences of squares would cancel where a component is narrow. The
    moments are central ones, (P, M, D + 1, D + 1): the covariance, the mean
    in the last row and column, and the mass in the corner.

    Args:
        rows (Tensor): Squares, samples and ones, (P, 2D + 1, n).
        whitener (Tensor): (P, 1, D, D).
        ridge (Tensor): The regularisation after whitening, (P, 1, D, D).
        num_components (int): M.
    """

    def __init__(self, rows: Tensor, whitener: Tensor, ridge: Tensor,
                 num_components: int) -> None:
        num_dims = whitener.shape[-1]
        white = torch.matmul(whitener[:, 0], rows[:, num_dims:-1])
        eye = torch.eye(num_dims + 1, dtype=rows.dtype, device=rows.device)
        super().__init__(
            torch.cat((white, rows[:, -1:]), 1),
            eye.expand(rows.shape[0], 1, -1, -1), num_components)
        self.ridge = ridge
        self._pieces = [
            piece.contiguous() for piece in self.data.split(_PIECE, 2)
        ]

    def sums(self, mass: Tensor, out: Tensor) -> Tensor:
        """See :meth:`Steps.sums`."""
        means = self.moments[..., -1, :-1]
        one = torch.ones_like(means[..., :1])
        # About these means the prior is [I + c c^T, -c; -c^T, 1].
        origin = torch.cat((-means, one), -1)
        total = PRIOR_MASS * origin[..., None] * origin[..., None, :]
        total[..., :-1, :-1] += self.prior[..., :-1, :-1]
        flat = total.flatten(0, 1)
        centre = torch.cat((means, 0 * one), -1)[..., None]
        for x, share in zip(self._pieces, mass.split(_PIECE, 2)):
            offset = (x[:, None] - centre).flatten(0, 1)
            weighted = offset * share.flatten(0, 1)[:, None]
            torch.baddbmm(flat, weighted, offset.mT, out=flat)
        normal = total / total[..., -1:, -1:]
        shift = normal[..., -1, :-1]
        torch.addcmul(
            normal[..., :-1, :-1],
            shift[..., None],
            shift[..., None, :],
            value=-1,
            out=out[..., :-1, :-1])
        mean = means + shift
        out[..., -1, :-1] = mean
        out[..., :-1, -1] = mean
        out[..., -1, -1] = total[..., -1, -1]
        return out

    def log_joint(self) -> Tensor:
        """See :meth:`Steps.log_joint`."""
        mass, means = self.moments[..., -1, -1], self.moments[..., -1, :-1]
        inverse = invert_lower(self._factor())
        squares = torch.cat([
            torch.bmm(
                inverse.flatten(0, 1),
                (x[:, None, :-1] - means[..., None]).flatten(
                    0, 1)).square_().sum(1) for x in self._pieces
        ], 1)
        bias = mass.log() + inverse.diagonal(dim1=-2, dim2=-1).log().sum(-1)
        return torch.add(
            bias[..., None], squares.unflatten(0, mass.shape), alpha=-0.5)

    def gaussians(self) -> Gaussians:
        """See :meth:`Steps.gaussians`."""
        return Gaussians(self.moments[..., -1, -1], self.moments[..., -1, :-1],
                         self._factor()[:, :, None])

    def _factor(self) -> Tensor:
        """Cholesky factors of the covariances, (P, M, D, D)."""
        return safe_cholesky(self.moments[..., :-1, :-1] + self.ridge)
