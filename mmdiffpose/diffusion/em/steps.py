# Copyright (c) mmdiffpose contributors. All rights reserved.
"""EM itself: what its two steps have in common, and their loop."""
from abc import ABC, abstractmethod
from typing import NamedTuple, Optional, Tuple

import torch
from torch import Tensor

from ..tracing import can_ask

# The mass of the moments that each component carries besides its own, far
# below one sample. They are those of the whole data, so they only matter to
# a component that has lost all samples: that one becomes as broad as the
# data, with no weight.
PRIOR_MASS = 1e-10


class Gaussians(NamedTuple):
    """Components in the coordinates of EM.

    Attributes:
        mass (Tensor): (P, M).
        means (Tensor): (P, M, D).
        scale (Tensor): Lower Cholesky factors of the covariances,
            (P, M, J, b, b).
    """
    mass: Tensor
    means: Tensor
    scale: Tensor


class Steps(ABC):
    """The two steps of EM for one structure of the covariances.

    Args:
        data (Tensor): What both steps read of the samples, (P, F, n).
        whole (Tensor): Moments of the whole data with mass 1, (P, 1, F).
        num_components (int): M.

    Attributes:
        prior (Tensor): The moments of the whole data with `PRIOR_MASS`.
        moments (Tensor): Those of the components, (P, M, F); written by
            `update`, always to the same memory.
    """

    def __init__(self, data: Tensor, whole: Tensor,
                 num_components: int) -> None:
        self.data = data
        self.prior = PRIOR_MASS * whole
        self.moments = whole.repeat_interleave(num_components, 1)

    def update(self, mass: Tensor, frozen: Optional[Tensor] = None) -> None:
        """The M-step for masses (P, M, n).

        Args:
            mass (Tensor): How much of each sample is a component's.
            frozen (Tensor, optional): Problems that stay as they are, (P,).
        """
        if frozen is None:
            self.sums(mass, self.moments)
            return
        frozen = frozen.reshape([-1] + [1] * (self.moments.dim() - 1))
        new = self.sums(mass, torch.empty_like(self.moments))
        torch.where(frozen, self.moments, new, out=self.moments)

    def sums(self, mass: Tensor, out: Tensor) -> Tensor:
        """Moments of masses (P, M, n), written to `out`."""
        return torch.baddbmm(
            self.prior, mass, self.data.transpose(1, 2), out=out)

    @abstractmethod
    def log_joint(self) -> Tensor:
        """The E-step: log(mass_m N(x; mu_m, Sigma_m)) + D / 2 log(2 pi).

        Returns:
            Tensor: (P, M, n).
        """

    @abstractmethod
    def gaussians(self) -> Gaussians:
        """The components that the moments stand for."""


class Progress(NamedTuple):
    """How EM went.

    Attributes:
        log_likelihood (Tensor): Mean over the samples, up to a constant,
            (P,).
        n_iter (Tensor): Iterations of each problem, (P,).
        converged (Tensor): Whether it converged, (P,).
    """
    log_likelihood: Tensor
    n_iter: Tensor
    converged: Tensor


def iterate(steps: Steps, weights: Tensor, max_iter: int, tol: float,
            check_every: int) -> Progress:
    """EM until every problem has converged.

    Args:
        steps (Steps): With the moments of the start.
        weights (Tensor): With sum 1, (P, 1, n).
        max_iter (int): Iterations at most.
        tol (float): A problem stays as it is once its mean log-likelihood
            rises by less; 0 runs all iterations.
        check_every (int): How often to ask whether to stop.
    """
    last = torch.full_like(weights[:, 0, 0], -torch.inf)
    converged = torch.zeros_like(last, dtype=torch.bool)
    n_iter = torch.full_like(last, max_iter, dtype=torch.int64)
    for iteration in range(1, max_iter + 1):
        numerator, total, peak = _softmax(steps.log_joint())
        mass = numerator.mul_(weights / total)
        if tol == 0:
            steps.update(mass)
            continue
        steps.update(mass, frozen=converged)
        likelihood = _mean_likelihood(total, peak, weights)
        close = (likelihood - last).abs() < tol
        n_iter = torch.where(close & ~converged, iteration, n_iter)
        converged = converged | close
        last = likelihood
        if (iteration % check_every == 0 and can_ask(converged)
                and bool(converged.all())):
            break
    _, total, peak = _softmax(steps.log_joint())
    return Progress(_mean_likelihood(total, peak, weights), n_iter, converged)


def _softmax(log_joint: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
    """A softmax's parts, in place: its numerators (P, M, n), their sum and
    the logarithm of what both were divided by, (P, 1, n).

    exp() of less than -60 is as good as zero; denormal numbers, which are
    slow, stay away from it and from the sums of its products. (That is why
    this isn't `torch.softmax`, which is no faster.)
    """
    peak = log_joint.amax(1, keepdim=True)
    numerator = log_joint.sub_(peak).clamp_min_(-60.0).exp_()
    return numerator, numerator.sum(1, keepdim=True), peak


def _mean_likelihood(total: Tensor, peak: Tensor, weights: Tensor) -> Tensor:
    """Mean log-likelihood (P,) from a softmax's parts."""
    return ((total.log() + peak) * weights).sum([1, 2])
