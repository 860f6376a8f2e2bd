# Copyright (c) mmdiffpose contributors. All rights reserved.
r"""Ways to a distribution of poses, all on one encoder's stopped features.

Every network sees the same: the features of all joints, a first regression's
poses and which joints were seen. Denoisers have one form
(:class:`~mmdiffpose.models.denoisers.residual_mlp.ResidualMLP`, width 128);
what differs is what is diffused, on which scale, and with which loss.
"""

import math
from typing import Dict, NamedTuple, Tuple

import numpy as np
import torch
from torch import Tensor, nn

from mmdiffpose.diffusion.depth_histogram import (count_depths,
                                                  histogram_mixture)
from mmdiffpose.diffusion.preconditioning import diffuse_residual
from mmdiffpose.models.denoisers.residual_mlp import ResidualMLP
from mmdiffpose.models.layers import Derived
from mmdiffpose.models.posterior import (RefiningRegressor, ResidualDiffusion,
                                         ResidualStdRegressor)
from mmdiffpose.models.posterior.regressors import POSE_SCALE, joint_tokens

WIDE, NARROW = 256, 128
"""Of the refining regressions, and of the denoisers."""
DRAWS = 2
"""Noise levels of a frame in training."""
JOINTS = 17
DEPTH_PARTS = 5
"""Gaussians that stand for a joint's depth histogram."""
FIRST_ANGLE = math.pi / 2 - 1e-2
"""Where unit noise starts: 0.01 of the pose is left in the state."""


class Known(NamedTuple):
    """What is known of B windows.

    Attributes:
        features: (B, T, J, C).
        coarse: The first regression's poses, (B, T, J, 3), root-relative
            metres.
        seen: Whether a joint was seen, (B, T, J).
    """
    features: Tensor
    coarse: Tensor
    seen: Tensor

    def frames(self, index: Tensor) -> 'Known':
        """Some of the frames."""
        return Known(*(value[:, index] for value in self))


class Covariance(nn.Module):
    """Covariance of residuals, a moving average over batches."""

    value: Tensor
    updates: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer('value', torch.eye(3 * JOINTS))
        self.register_buffer('updates', torch.tensor(0))
        self._factor = Derived(lambda value: torch.linalg.cholesky(
            value.double() + 1e-9 * torch.eye(len(value))))

    @torch.no_grad()
    def update(self, residual: Tensor) -> None:
        """Count residuals (..., J, 3)."""
        rows = residual.reshape(-1, 3 * JOINTS).double()
        measured = rows.T @ rows / len(rows)
        rate = max(1 / (1 + int(self.updates)), .01)
        self.value.lerp_(measured.to(self.value), rate)
        self.updates += 1

    def colour(self, white: Tensor) -> Tensor:
        """White noise (..., J, 3) with this covariance."""
        factor = self._factor.of(self.value)
        return (white.flatten(-2).double() @ factor.T).to(white).view_as(white)


class UnitNoise(nn.Module):
    r"""Poses in metres under noise of a metre, :math:`z = \cos\phi\, y +
    \sin\phi\,\epsilon`.

    Args:
        channels: Width C of the features.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        # Features, pose and seen.
        self.net = ResidualMLP(channels + 4, JOINTS, NARROW)

    def context(self, known: Known) -> Tensor:
        """What the denoiser is told, (B, T, J, C + 4)."""
        return joint_tokens(known.features, known.coarse, known.seen,
                            self.norm)

    def bind(self, known: Known, angles: Tuple[float, ...]):
        """F of all frames for a reverse process."""
        context = self.context(known)
        frames = context.shape[1]
        bound = self.net.bind(context.flatten(0, 1), angles)

        def network(z: Tensor, level: int) -> Tensor:
            poses = z.transpose(1, 2).flatten(0, 1)
            found = bound(poses, level)
            return found.unflatten(0, (-1, frames)).transpose(1, 2)

        return network


class PoseDiffusion(UnitNoise):
    """D3DP's setting: unit noise, the network predicts the pose, trained by
    the mean joint distance (Shan et al., ICCV 2023, Sec. 3)."""

    def loss(self, known: Known, target: Tensor, noise: Tensor,
             uniform: Tensor) -> Tensor:
        """Mean joint distance at angles uniform in (0, pi / 2), the levels of
        the cosine schedule.

        Args:
            known: Of B windows.
            target: (B, T, J, 3).
            noise: (B, N, T, J, 3).
            uniform: (B, N, T), in [0, 1).
        """
        angle = (uniform * math.pi / 2).clamp(1e-2, FIRST_ANGLE)
        z, _ = diffuse_residual(target[:, None], noise, angle[..., None, None])
        found = POSE_SCALE * self.net(z, angle, self.context(known))
        return (found - target[:, None]).norm(dim=-1).mean()

    @torch.no_grad()
    def sample(self, known: Known, noise: Tensor, evaluations: int) -> Tensor:
        """DDIM from noise (B, N, T, J, 3), equal steps in time."""
        angles = _equal_angles(evaluations)
        network = self.bind(known, angles)
        z = noise
        for level, (start, end) in enumerate(zip(angles[:-1], angles[1:])):
            pose = POSE_SCALE * network(z, level)
            rest = (z - math.cos(start) * pose) / math.sin(start)
            z = math.cos(end) * pose + math.sin(end) * rest
        return z


class FlowMatching(UnitNoise):
    r"""Straight paths from unit noise to poses, :math:`x_t = (1 - t)\epsilon
    + t y`, the network predicts :math:`y - \epsilon` (Lipman et al., ICLR
    2023; FMPose3D's setting)."""

    def loss(self, known: Known, target: Tensor, noise: Tensor,
             uniform: Tensor) -> Tensor:
        """Squared error at times uniform in [0, 1); arguments as for
        :class:`PoseDiffusion`."""
        time = uniform.clamp(1e-2, 1 - 1e-2)[..., None, None]
        x = (1 - time) * noise + time * target[:, None]
        angle = torch.atan2(1 - time, time)[..., 0, 0]
        found = self.net(x, angle, self.context(known))
        return (found - (target[:, None] - noise)).square().mean()

    @torch.no_grad()
    def sample(self, known: Known, noise: Tensor, evaluations: int) -> Tensor:
        """Euler's steps, equal in time."""
        times = [max(k / evaluations, 1e-2) for k in range(evaluations)]
        angles = tuple(math.atan2(1 - t, t) for t in times) + (0., )
        network = self.bind(known, angles)
        x = noise
        for level in range(evaluations):
            x = x + network(x, level) / evaluations
        return x


def _equal_angles(evaluations: int) -> Tuple[float, ...]:
    return tuple(FIRST_ANGLE * (1 - k / evaluations)
                 for k in range(evaluations)) + (0., )


class Posteriors(nn.Module):
    """All that is trained on an encoder.

    Attributes:
        refine, std: The second regression and its std: the control.
        nll, nll_std: The same two, trained together by the likelihood.
        residual: Residual diffusion, its noise correlated as residuals are.
        white: The same with white noise.
        absolute: EDM of the pose itself, on one scale.
        d3dp, flow: See their classes.
        depths: Mixture of each joint's depth over training poses,
            (J, M, 3): weight, mean, std.

    Args:
        channels: Width C of the encoder's features.
    """

    depths: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.refine = RefiningRegressor(channels, width=WIDE)
        self.std = ResidualStdRegressor(channels)
        self.nll = RefiningRegressor(channels, width=WIDE)
        self.nll_std = ResidualStdRegressor(channels)
        self.full, self.nll_scaled = Covariance(), Covariance()
        networks = {}
        for name, noise in (('residual', 'residual'), ('white', 'white'),
                            ('absolute', 'white')):
            networks[name] = ResidualDiffusion(
                dict(type='mmdiffpose.ResidualMLP', width=NARROW),
                channels,
                num_draws=DRAWS,
                noise=noise)
        self.residual, self.white, self.absolute = networks.values()
        self.d3dp, self.flow = PoseDiffusion(channels), FlowMatching(channels)
        self.register_buffer('depths', torch.zeros(JOINTS, DEPTH_PARTS, 3))

    def learn_depths(self, targets: np.ndarray) -> None:
        """Take the depths of poses (B, T, J, 3), metres, for H_K."""
        histogram = count_depths(targets[..., 2].reshape(-1, JOINTS))
        self.depths.copy_(histogram_mixture(histogram, DEPTH_PARTS))

    def regress(self, known: Known) -> Tuple[Tensor, Tensor]:
        """The control's mean and std, (B, T, J, 3), metres."""
        mean = _rooted(self.refine(*known))
        return mean, self.std(known.features, mean, known.seen)

    def regress_by_likelihood(self, known: Known) -> Tuple[Tensor, Tensor]:
        """Those of the regression that the likelihood trained."""
        mean = _rooted(self.nll(*known))
        return mean, self.nll_std(known.features, mean, known.seen)

    def flat(self, known: Known) -> Tuple[Tensor, Tensor]:
        """Mean and std of an EDM of the pose itself: 0, and one scale."""
        like = known.coarse
        return torch.zeros_like(like), torch.full_like(like, POSE_SCALE)

    def losses(self, known: Known, target: Tensor, some: Tensor,
               generator: torch.Generator) -> Dict[str, Tensor]:
        """Losses of B windows; no two share a parameter.

        Args:
            known: Of B windows, without gradients.
            target: (B, T, J, 3), root-relative metres.
            some: Indices of the frames that train the denoisers.
            generator: Of all draws.
        """
        mean, std = self.regress(known)
        losses = dict(
            mean=_speed_and_place(mean, target),
            std=.1 * ResidualStdRegressor.likelihood_loss(std, mean, target))
        own, own_std = self.regress_by_likelihood(known)
        scaled = (target - own) / own_std
        losses['nll'] = .1 * (own_std.log() + scaled.square() / 2).mean()
        self.full.update((target - mean).detach())
        self.nll_scaled.update(scaled.detach())
        part, pose = known.frames(some), target[:, some]
        mean, std = mean.detach()[:, some], std.detach()[:, some]
        for name, pair in (('residual', (mean, std)), ('white', (mean, std)),
                           ('absolute', self.flat(part))):
            losses[name] = getattr(self, name).loss(
                part.features,
                *pair,
                pose,
                None,
                part.seen,
                generator=generator)
        shape = (len(pose), DRAWS, *pose.shape[1:])
        noise = torch.randn(shape, generator=generator)
        uniform = torch.rand(shape[:3], generator=generator)
        losses['d3dp'] = self.d3dp.loss(part, pose, noise, uniform)
        losses['flow'] = self.flow.loss(part, pose, noise, uniform)
        return losses


def _rooted(poses: Tensor) -> Tensor:
    return poses - poses[..., :1, :]


def _speed_and_place(poses: Tensor, target: Tensor) -> Tensor:
    """Mean joint distance, and twice that of the steps between frames."""
    error = poses - target
    loss = error.norm(dim=-1).mean()
    if error.shape[1] > 1:
        loss = loss + 2 * error.diff(dim=1).norm(dim=-1).mean()
    return loss
