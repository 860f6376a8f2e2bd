# Copyright (c) mmdiffpose contributors. All rights reserved.
r"""What a network sees and predicts that denoises a scaled residual.

A regression knows most of a pose: its mean :math:`\mu(x)` and how far off
that may be, :math:`s(x)`. What is left to sample is the residual in units of
its own spread, as CorrDiff does for weather (Mardani et al., 2023):

.. math:: u = (y - \mu) / s, \qquad \sigma_d = 1 .

A state is :math:`x = u + \sigma\epsilon`, and Karras et al. (NeurIPS 2022,
Table 1, with :math:`\sigma_d = 1`) denoise it with

.. math::
    D(x; \sigma) = \frac{x}{\sigma^2 + 1}
    + \frac{\sigma}{\sqrt{\sigma^2 + 1}}\,
    F\!\left(\frac{x}{\sqrt{\sigma^2 + 1}},\; \frac{\ln \sigma}{4}\right) .

In the angle :math:`\phi = \arctan\sigma` that is :math:`D = \cos\phi\, z +
\sin\phi\, F` with :math:`z = \cos\phi\, u + \sin\phi\, \epsilon`, the state of
:mod:`~mmdiffpose.diffusion.flow_samplers`. EDM's loss
:math:`\lambda(\sigma)\,|D - u|^2` with :math:`\lambda = (\sigma^2 + 1) /
\sigma^2` is the plain squared error of F against

.. math::
    \frac{u - \cos\phi\, z}{\sin\phi} = \sin\phi\, u - \cos\phi\, \epsilon ,

whose spread is one at every noise level.
"""

from typing import NamedTuple, Tuple

import torch
from torch import Tensor

LOG_SIGMA_MEAN = -0.3
LOG_SIGMA_STD = 1.2
r"""Of :math:`\ln\sigma` in training, :math:`P_{mean}` and :math:`P_{std}` of
Karras et al.: where a residual of unit spread is neither plain nor drowned."""


class ResidualScale(NamedTuple):
    """The scale on which a pose's residual has unit spread.

    Attributes:
        mean: The regression's poses, broadcastable to (B, N, T, J, 3),
            metres.
        std: Their predicted std, likewise, positive metres.
    """
    mean: Tensor
    std: Tensor

    def to_residual(self, poses: Tensor) -> Tensor:
        """Poses, metres, to residuals of unit spread."""
        return (poses - self.mean) / self.std

    def to_poses(self, residual: Tensor) -> Tensor:
        """The inverse of :meth:`to_residual`."""
        return self.mean + self.std * residual


def noise_condition(angle: Tensor) -> Tensor:
    r"""What F is told of the noise: :math:`\ln(\tan\phi) / 4`.

    Args:
        angle (Tensor): :math:`\phi` in (0, pi/2), radians, any shape.
    """
    return angle.tan().log() / 4


def draw_angles(normal: Tensor,
                mean: float = LOG_SIGMA_MEAN,
                std: float = LOG_SIGMA_STD) -> Tensor:
    r"""Angles to train on, :math:`\ln\tan\phi \sim N(mean, std^2)`.

    Args:
        normal (Tensor): Standard normal draws, any shape.
        mean (float): :math:`P_{mean}`.
        std (float): :math:`P_{std}`.

    Returns:
        Tensor: Radians in (0, pi/2), the shape of ``normal``.
    """
    return (mean + std * normal).exp().atan()


def diffuse_residual(residual: Tensor, noise: Tensor,
                     angle: Tensor) -> Tuple[Tensor, Tensor]:
    r"""A noisy state and what F should say of it.

    Args:
        residual (Tensor): u, any shape.
        noise (Tensor): :math:`\epsilon`, of unit spread, broadcastable.
        angle (Tensor): :math:`\phi`, radians, broadcastable.

    Returns:
        tuple[Tensor, Tensor]: :math:`z = \cos\phi\, u + \sin\phi\, \epsilon`
        and :math:`\sin\phi\, u - \cos\phi\, \epsilon`.
    """
    cos, sin = angle.cos(), angle.sin()
    return cos * residual + sin * noise, sin * residual - cos * noise


def mixture_start(poses: Tensor, scale: ResidualScale, noise: Tensor,
                  angle: float) -> Tensor:
    r"""States at an angle whose poses are samples of :math:`H_K`.

    A reverse process that starts at :math:`\sigma` has to start from the
    distribution of :math:`u + \sigma\epsilon`. N(0, 1) in z takes u for a
    Gaussian; :math:`H_K`, the mixture of a heatmap and a depth, may know
    better. Its samples, brought to the residual's scale and widened,

    .. math:: z = \cos\phi\, (h - \mu) / s + \sin\phi\, \epsilon ,

    are distributed as :math:`H_K` convolved with the noise, exactly and
    whatever :math:`H_K` is: of a mixture :math:`\sum_m w_m N(\mu_m,
    \Sigma_m)` they are :math:`\sum_m w_m N(\cos\phi\, (\mu_m - \mu) / s,\;
    \cos^2\phi\, S^{-1} \Sigma_m S^{-1} + \sin^2\phi\, I)` with S = diag(s).

    Args:
        poses (Tensor): Samples of :math:`H_K`, (B, N, T, J, 3), metres, such
            as ``model.center + model.colour(white)`` of a
            :class:`~mmdiffpose.diffusion.initial_distribution.NoiseModel`.
        scale (ResidualScale): Of the regression.
        noise (Tensor): The process' noise :math:`\epsilon`, of that shape,
            independent of ``poses``.
        angle (float): :math:`\phi_0 = \arctan\sigma_{max}`, radians.

    Returns:
        Tensor: z, (B, N, T, J, 3).
    """
    state, _ = diffuse_residual(
        scale.to_residual(poses), noise,
        torch.tensor(angle, dtype=poses.dtype, device=poses.device))
    return state
