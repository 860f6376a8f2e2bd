# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Diffusion of what a regression leaves open."""

import math
from functools import partial
from typing import Callable, Optional, Sequence

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmdiffpose.diffusion.flow_samplers import FLOW_SAMPLERS, Velocity
from mmdiffpose.diffusion.preconditioning import (LOG_SIGMA_MEAN,
                                                  LOG_SIGMA_STD, ResidualScale,
                                                  diffuse_residual,
                                                  draw_angles, mixture_start)
from mmdiffpose.diffusion.samplers import Callback
from mmdiffpose.diffusion.schedules import power_angles
from mmdiffpose.diffusion.tracing import can_ask
from mmdiffpose.registry import MODELS
from mmdiffpose.skeletons.metainfo import SkeletonLike, as_skeleton
from ..denoisers.angle_denoiser import VelocityNetwork, build_velocity
from ..layers import Derived
from ..losses.lifting_losses import masked_mean
from .regressors import joint_tokens

Integrator = Callable[[Velocity, Tensor, Sequence[float]], Tensor]
"""A sampler of the flow: of a velocity, a start and angles."""

CPU_POSES = 640
"""Poses whose activations fit a CPU core's cache, sampled at once there."""
COVARIANCE_RATE = 0.01
"""Share of a training batch in the moving average of the covariance."""
MIN_VARIANCE = 1e-3
"""Least variance of the noise in any direction; that of the std is 1."""


@MODELS.register_module()
class ResidualDiffusion(BaseModule):
    r"""Trains and samples a denoiser of scaled residuals.

    The residual of a regression in units of its predicted std,
    :math:`u = (y - \mu)/s`, is diffused with EDM's preconditioning and
    sampled by steps in the angle, see
    :mod:`mmdiffpose.diffusion.preconditioning` and
    :mod:`mmdiffpose.diffusion.flow_samplers`. The denoiser is told, with
    gradients stopped, the encoder's features, :math:`\mu`, :math:`\ln s` and
    which joints were seen, all joints at once.

    With ``noise='residual'`` the noise has the covariance that scaled
    residuals have on average, :math:`\epsilon \sim N(0, C)`, as DiffPose's
    Eq. 7 gives it a mixture's. All of the algebra is linear and stays. F = 0
    then is the exact answer for a Gaussian with the predicted std and that
    correlation, and what few steps get wrong is only what differs from it:
    with white noise, a direction in which residuals have a variance of 0.05
    (the length of a bone) keeps 2.6 times its spread at one step and 0.9 at
    two. C is measured on the way, a moving average over training batches.

    A joint whose target isn't known gets a drawn residual in training, as it
    would be at the start of sampling, and no loss.

    A temporal network, which sees all frames of a window at once, is trained
    with one noise and one level for all frames of a window, as it is sampled
    where hypotheses are to be motions.

    Args:
        denoiser (dict): The network F, such as ``ResidualMLP``; this module
            gives it ``context_channels`` and ``num_joints``. Networks that
            take steps, such as ``GCNAttention`` and ``CSDIGCN``, are wrapped
            (:func:`~mmdiffpose.models.denoisers.angle_denoiser.build_velocity`).
        in_channels (int): Width C of the encoder's features.
        num_joints (int): J. Defaults to 17.
        num_draws (int): Noise levels drawn for each frame in training.
            Defaults to 8.
        log_sigma_mean (float): Mean of :math:`\ln\sigma` in training.
        log_sigma_std (float): Its std.
        noise (str): ``'residual'`` or ``'white'``. Defaults to
            ``'residual'``.
        skeleton (str | dict | Skeleton, optional): The joints, in whose
            ``draw_order`` noise is made. Defaults to that of their indices.
        init_cfg (dict, optional): Initialisation config.
    """

    measured_anew = ('noise_covariance', 'num_updates')
    """Buffers that start anew where weights are carried over to joints that
    the model did not have: theirs would be a covariance of no full rank."""

    denoiser: VelocityNetwork
    noise_covariance: Tensor
    num_updates: Tensor

    def __init__(self,
                 denoiser: dict,
                 in_channels: int,
                 num_joints: int = 17,
                 num_draws: int = 8,
                 log_sigma_mean: float = LOG_SIGMA_MEAN,
                 log_sigma_std: float = LOG_SIGMA_STD,
                 noise: str = 'residual',
                 skeleton: Optional[SkeletonLike] = None,
                 init_cfg: Optional[dict] = None) -> None:
        super().__init__(init_cfg=init_cfg)
        if noise not in ('residual', 'white'):
            raise ValueError("noise should be 'residual' or 'white', got "
                             f'{noise!r}')
        self.features_norm = nn.LayerNorm(in_channels)
        self.denoiser = build_velocity(
            denoiser, in_channels + 7, num_joints,
            None if skeleton is None else as_skeleton(skeleton))
        self.num_draws = num_draws
        self.log_sigma_mean = log_sigma_mean
        self.log_sigma_std = log_sigma_std
        self.noise = noise
        order = list(range(num_joints)) if skeleton is None else list(
            as_skeleton(skeleton).draw_order)
        self._first_joint = order[0]
        self._axes = None if order == sorted(order) else torch.tensor(
            [3 * joint + axis for joint in order for axis in range(3)])
        self.register_buffer('noise_covariance', torch.eye(3 * num_joints))
        self._factor = Derived(partial(_lower_factor, axes=self._axes))
        self.register_buffer('num_updates', torch.tensor(0))

    @property
    def temporal(self) -> bool:
        """Whether the denoiser sees all frames of a window at once."""
        return self.denoiser.temporal

    def colour(self, white: Tensor) -> Tensor:
        """Give white noise (..., J, 3) the covariance of the residuals."""
        if self.noise == 'white':
            return white
        # In double, which autocast leaves alone: half precision would be felt
        # in the correlations.
        factor = self._factor.of(self.noise_covariance)
        flat = white.flatten(-2).double()
        if self._axes is None:
            coloured = flat @ factor.T
        else:
            axes = self._axes.to(flat.device)
            coloured = torch.empty_like(flat)
            coloured[..., axes] = flat[..., axes] @ factor.T
        return coloured.to(white).view_as(white)

    @torch.no_grad()
    def update_covariance(self,
                          residual: Tensor,
                          weight: Optional[Tensor] = None) -> None:
        """Count a batch's residuals into the noise's covariance.

        Args:
            residual (Tensor): In units of the std, (..., J, 3).
            weight (Tensor, optional): Of each joint's target, (..., J). Only
                frames whose targets are all known count.
        """
        rows = residual.flatten(-2).reshape(-1, residual.shape[-2] * 3)
        rows = rows.double()  # see colour()
        counts = torch.ones_like(rows[:, :1])
        if weight is not None:
            known = (weight > 0).all(dim=-1).reshape(-1, 1)
            # What stands in a target that isn't known may be anything.
            rows = torch.where(known, rows, 0.)
            counts = known.to(rows)
        total = counts.sum()
        floor = MIN_VARIANCE * torch.eye(rows.shape[-1], device=rows.device)
        measured = rows.T @ rows / total.clamp(min=1) + floor
        # Nothing here makes the host wait for the device.
        rate = (1 / (2 + self.num_updates)).clamp(min=COVARIANCE_RATE)
        step = rate * (total > 0) * (measured - self.noise_covariance)
        self.noise_covariance.add_(step.to(self.noise_covariance))
        self.num_updates += total > 0

    def context(self,
                features: Tensor,
                mean: Tensor,
                std: Tensor,
                seen: Optional[Tensor] = None) -> Tensor:
        """What the denoiser is told, (B, T, J, C + 7)."""
        tokens = joint_tokens(features, mean, seen, self.features_norm)
        return torch.cat([tokens, std.detach().log()], dim=-1)

    def loss(self,
             features: Tensor,
             mean: Tensor,
             std: Tensor,
             target: Tensor,
             weight: Optional[Tensor] = None,
             seen: Optional[Tensor] = None,
             draws: Optional[Tensor] = None,
             generator: Optional[torch.Generator] = None) -> Tensor:
        r"""Squared error of F at drawn noise levels, per coordinate.

        1 at the start of training, when F is 0, if ``std`` is right.

        Args:
            features (Tensor): (B, T, J, C).
            mean (Tensor): :math:`\mu`, (B, T, J, 3), root-relative metres.
            std (Tensor): s, (B, T, J, 3), metres.
            target (Tensor): y, (B, T, J, 3), root-relative metres.
            weight (Tensor, optional): Of each joint's target, (B, T, J); 0
                where it isn't known.
            seen (Tensor, optional): Whether the detector saw a joint,
                (B, T, J), 0 to 1.
            draws (Tensor, optional): Standard normal, (B, N, T, J, 7) with N
                = ``num_draws``, or (B, N, 1, J, 7) for a temporal denoiser:
                the noise, what stands for unknown targets, and the noise
                level (of the root).
            generator (torch.Generator, optional): Of such draws, on the
                features' device, where there are none.

        Returns:
            Tensor: A single number.

        Raises:
            ValueError: For draws of another shape.
        """
        B, T, J, _ = mean.shape
        expected = (B, self.num_draws, 1 if self.temporal else T, J, 7)
        if draws is None:
            draws = torch.randn(
                expected,
                generator=generator,
                device=mean.device,
                dtype=mean.dtype)
        elif draws.shape != expected:
            raise ValueError(f'draws of shape {expected} expected, got '
                             f'{tuple(draws.shape)}')
        noise, unknown, level = draws.split([3, 3, 1], dim=-1)
        scale = ResidualScale(mean.detach()[:, None], std.detach()[:, None])
        residual = scale.to_residual(target[:, None])
        if self.training and self.noise == 'residual':
            self.update_covariance(residual[:, 0], weight)
        noise, unknown = self.colour(noise), self.colour(unknown)
        if weight is not None:
            weight = weight[:, None]
            residual = torch.where(weight[..., None] > 0, residual, unknown)
        angle = draw_angles(level[..., self._first_joint, 0],
                            self.log_sigma_mean, self.log_sigma_std)
        state, velocity = diffuse_residual(residual, noise, angle[..., None,
                                                                  None])
        angle = angle.expand(-1, -1, T)
        predicted = self.denoiser(state, angle,
                                  self.context(features, mean, std, seen))
        error = (predicted - velocity).square().mean(dim=-1)
        return masked_mean(error, weight)

    @torch.no_grad()
    def sample(self,
               features: Tensor,
               mean: Tensor,
               std: Tensor,
               noise: Tensor,
               seen: Optional[Tensor] = None,
               start: Optional[Tensor] = None,
               evaluations: int = 2,
               sampler: str = 'angle',
               sigma_max: float = 3.,
               exponent: float = 1.6,
               recentre: bool = False,
               spread: float = 1.,
               callback: Optional[Callback] = None) -> Tensor:
        r"""Hypotheses, as many as there are draws of noise.

        Args:
            features (Tensor): (B, T, J, C).
            mean (Tensor): :math:`\mu`, (B, T, J, 3), metres.
            std (Tensor): s, (B, T, J, 3), metres.
            noise (Tensor): Standard normal, (B, N, T, J, 3) or, one draw for
                all frames, (B, N, 1, J, 3), see
                :class:`~mmdiffpose.diffusion.noise.HypothesisNoise`. With one
                draw each hypothesis is a motion, as smooth as the mean. A
                temporal denoiser has been trained on such draws alone.
            seen (Tensor, optional): Whether the detector saw a joint,
                (B, T, J), 0 to 1.
            start (Tensor, optional): Samples of :math:`H_K`, (B, N, T, J, 3),
                metres, to start from
                (:func:`~mmdiffpose.diffusion.preconditioning.mixture_start`).
                Defaults to the start of a Gaussian residual.
            evaluations (int): Of the network. Defaults to 2.
            sampler (str): A name of :data:`FLOW_SAMPLERS`. Defaults to
                Euler's steps in the angle.
            sigma_max (float): Noise at the start, in units of the std.
                Defaults to 3.
            exponent (float): Of :func:`power_angles`. Defaults to 1.6:
                with the exact network, two evaluations then are four times as
                near to the truth (energy distance, docs/samplers.md) as equal
                steps from 6.
            recentre (bool): Move each frame's hypotheses so that their mean
                is ``mean``: theirs is the best in squares, the regression's
                is nearer to the median, which MPJPE asks for. A single
                hypothesis then is the mean.
            spread (float): A factor on the residuals. Defaults to 1.
            callback (Callable, optional): Called as ``callback(k, state,
                estimate)`` at each evaluation, k counting down to 1, both
                (B, N, T, J, 3), metres: :math:`\mu + s z` and :math:`\mu +
                s D`, without ``recentre`` and ``spread``.

        Returns:
            Tensor: (B, N, T, J, 3), metres.

        Raises:
            ValueError: For an unknown sampler, a number of evaluations that
                it can't make, or noise of another shape.
        """
        B, T, J, _ = mean.shape
        if (noise.ndim != 5 or noise.shape[0] != B
                or noise.shape[2] not in (1, T)
                or noise.shape[3:] != mean.shape[2:]):
            raise ValueError(
                f'noise (B, N, T or 1, J, 3) = ({B}, N, {T} or 1, {J}, 3) '
                f'expected, got {tuple(noise.shape)}')
        if sampler not in FLOW_SAMPLERS:
            raise ValueError(f'sampler should be one of '
                             f'{tuple(FLOW_SAMPLERS)}, got {sampler!r}')
        flow = FLOW_SAMPLERS[sampler]
        angles = power_angles(flow.steps(evaluations), sigma_max, exponent)
        state = self.colour(noise).expand(-1, -1, T, -1, -1)
        scale = ResidualScale(mean[:, None], std[:, None])
        if start is not None:
            state = mixture_start(start, scale, state, angles[0])
        residual = self._integrate(state,
                                   self.context(features, mean, std, seen),
                                   angles, flow.integrate, scale, callback)
        if recentre:
            residual -= residual.mean(dim=1, keepdim=True)
        # In place: many hypotheses of a long track are large.
        residual *= spread * std[:, None]
        residual += mean[:, None]
        return residual

    def _integrate(self, state: Tensor, context: Tensor,
                   angles: Sequence[float], integrate: Integrator,
                   scale: ResidualScale,
                   callback: Optional[Callback]) -> Tensor:
        """From states (B, N, T, J, 3) and a context (B, T, J, C) to
        residuals, on a CPU as many poses at once as fit a core's cache."""
        B, N, T = state.shape[:3]
        residual = state.new_empty(state.shape)
        if self.temporal:
            units, poses, views = B, N * T, (state, residual)
        else:
            units, poses = B * T, N
            context = context.flatten(0, 1)
            views = (state.transpose(1, 2), residual.transpose(1, 2))
        source, target = views
        if callback is None and not can_ask(state):
            # How many there are isn't known: all at once.
            velocity = self.denoiser.bind(context, angles)
            if self.temporal:
                return integrate(velocity, source, angles)
            found = integrate(velocity, source.flatten(0, 1), angles)
            return found.unflatten(0, source.shape[:2]).transpose(1, 2)
        size = units
        if state.device.type == 'cpu' and callback is None:
            size = max(1, CPU_POSES // poses)
        for first in range(0, units, size):
            unit = torch.arange(
                first, min(first + size, units), device=state.device)
            index = (unit, ) if self.temporal else (unit // T, unit % T)
            velocity = self.denoiser.bind(context[first:first + size], angles)
            if callback is not None:
                velocity = _watched(velocity, angles, scale,
                                    None if self.temporal else T, callback)
            target[index] = integrate(velocity, source[index], angles)
        return residual


def _lower_factor(covariance: Tensor, axes: Optional[Tensor]) -> Tensor:
    """L of :math:`C = L L^T`, float64.

    It depends on which joint comes first: ``axes`` bring the coordinates into
    the order that is meant, None where they are in it.
    """
    covariance = covariance.double()
    if axes is not None:
        axes = axes.to(covariance.device)
        covariance = covariance[axes][:, axes]
    return torch.linalg.cholesky(covariance)


def _watched(velocity: Velocity, angles: Sequence[float], scale: ResidualScale,
             num_frames: Optional[int], callback: Callback) -> Velocity:
    """A velocity of all windows at once that reports what it is asked, of
    single frames where their number is given."""

    def reporting(z: Tensor, level: int) -> Tensor:
        output = velocity(z, level)
        angle = angles[level]
        denoised = math.cos(angle) * z + math.sin(angle) * output
        if num_frames is not None:
            z, denoised = (
                value.unflatten(0, (-1, num_frames)).transpose(1, 2)
                for value in (z, denoised))
        state, estimate = scale.to_poses(z), scale.to_poses(denoised)
        callback(len(angles) - 1 - level, state, estimate)
        return output

    return reporting
