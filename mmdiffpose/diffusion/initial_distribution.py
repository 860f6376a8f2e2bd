# Copyright (c) mmdiffpose contributors. All rights reserved.
r"""The indeterminate pose distribution :math:`H_K` and its mixture model.

DiffPose, Sec. 4.1: x and y of each joint are distributed as the detector's
heatmap says, z as a histogram of the training set or the context encoder
says. Sec. 4.2: a mixture fitted to samples of :math:`H_K` by EM (Eq. 6) gives
the forward process its noise.
"""

from dataclasses import dataclass
from typing import Callable, Optional, Tuple

import torch
from torch import Tensor

from .gmm import GaussianMixture, fit_gmm
from .noise import HypothesisNoise


def draw_component(weights: Tensor, uniform: Tensor) -> Tensor:
    """Index of a mixture's component, by inverting its distribution.

    Args:
        weights (Tensor): (..., M), with sum 1.
        uniform (Tensor): (...), uniform in [0, 1), broadcastable.

    Returns:
        Tensor: long, (...).
    """
    cdf = weights.cumsum(dim=-1)[..., :-1]
    return (uniform[..., None] > cdf).sum(dim=-1)


@dataclass(frozen=True)
class JointMixtures:
    r""":math:`H_K`: one mixture of axis-aligned Gaussians per joint.

    Attributes:
        weights: (..., J, M).
        means: (..., J, M, 3), root-relative metres.
        stds: (..., J, M, 3), metres.
    """
    weights: Tensor
    means: Tensor
    stds: Tensor

    def moments(self) -> Tuple[Tensor, Tensor]:
        """Mean and std of each joint, (..., J, 3), metres."""
        weights = self.weights[..., None]
        mean = (weights * self.means).sum(dim=-2)
        second = (weights * (self.stds**2 + self.means**2)).sum(dim=-2)
        return mean, (second - mean**2).clamp(min=0).sqrt()

    def pick(self, values: Tensor, uniform: Tensor) -> Tensor:
        """Pick each joint's component by an inverse-CDF draw.

        Args:
            values (Tensor): ``means`` or ``stds``.
            uniform (Tensor): (..., J), broadcastable.

        Returns:
            Tensor: (..., J, 3).
        """
        component = draw_component(self.weights, uniform)
        shape = torch.broadcast_shapes(component.shape, values.shape[:-2])
        values = values.expand(*shape, *values.shape[-2:])
        index = component.expand(shape)[..., None, None]
        return values.gather(-2, index.expand(*shape, 1, 3)).squeeze(-2)


@dataclass(frozen=True)
class NoiseModel:
    r"""Where each hypothesis starts and what its noise looks like.

    Attributes:
        center: :math:`\mu^G` of each hypothesis' component, broadcastable to
            (B, N, T, J, 3), metres.
        colour: White noise (B, N, T, J, 3) to :math:`\epsilon^G`, metres.
    """
    center: Tensor
    colour: Callable[[Tensor], Tensor]


def image_scale(coarse: Tensor, image: Tensor) -> Tensor:
    """Metres per unit of screen-normalised image, one per window.

    Weak perspective, by least squares between the coarse pose's x, y and the
    detected joints, both relative to their mean: neither focal length nor
    distance is needed.

    Args:
        coarse (Tensor): (B, T, J, 3), metres.
        image (Tensor): (B, T, J, 2), normalised.

    Returns:
        Tensor: (B, 1, 1, 1), positive.
    """
    xy = coarse[..., :2] - coarse[..., :2].mean(dim=2, keepdim=True)
    uv = image - image.mean(dim=2, keepdim=True)
    scale = ((xy * uv).sum(dim=(1, 2, 3)) /
             uv.square().sum(dim=(1, 2, 3)).clamp(min=1e-8))
    return scale.clamp(min=1e-3)[:, None, None, None]


def initial_distribution(coarse: Tensor,
                         residual_std: Tensor,
                         mixtures: Optional[Tensor] = None,
                         xy: str = 'heatmap',
                         root_index: int = 0,
                         min_std: float = 0.005,
                         std_scale: float = 1.,
                         depths: Optional[Tensor] = None) -> JointMixtures:
    r"""Build :math:`H_K` from 2D mixtures and the context encoder's pose.

    Args:
        coarse (Tensor): Pose of the context encoder, (B, T, J, 3),
            root-relative metres; its z is the depth prior's mean.
        residual_std (Tensor): Std of its error on unseen people, (J, 3), or
            of each pose, (B, T, J, 3), metres; its z is the depth prior's
            std.
        mixtures (Tensor, optional): Screen-normalised 2D mixtures,
            (B, T, J, M, 5): weight, mean u, v, std u, v. Without them x and
            y come from the context encoder too.
        xy (str): ``'heatmap'``: the mixture itself, brought to metres by
            weak perspective (:func:`image_scale`). ``'context'``: its main
            component sits at the encoder's x, y, which know about
            perspective; the others keep their offset from the main one.
            ``'encoder'``: no use of the mixtures.
        root_index (int): The root joint, whose distribution is a point up to
            ``min_std``.
        min_std (float): Floor of every std, metres.
        std_scale (float): Factor on every std, a control for ablations.
        depths (Tensor, optional): Mixtures of each joint's root-relative
            depth over a training set, (J, M_z, 3): weight, mean, std, metres
            (:func:`histogram_mixture`). Then z comes from them, the same for
            every pose and independent of x and y, in place of the context
            encoder.

    Returns:
        JointMixtures: (B, T, J, M, ...); with ``depths`` a component for
        each pair of one in x, y and one in z, M_z times as many.
    """
    if xy not in ('heatmap', 'context', 'encoder'):
        raise ValueError("xy should be 'heatmap', 'context' or 'encoder', got "
                         f'{xy!r}')
    coarse = coarse[..., None, :]
    residual = residual_std[..., None, :].expand_as(coarse)
    if mixtures is None or xy == 'encoder':
        weights = torch.ones_like(coarse[..., 0])
        means, stds = coarse, residual
    else:
        weights, centre, sigma = mixtures.split([1, 2, 2], dim=-1)
        main = weights.argmax(dim=-2, keepdim=True)
        main = centre.gather(-2, main.expand(*main.shape[:-1], 2))
        scale = image_scale(coarse.squeeze(-2), main.squeeze(-2))[..., None]
        spread = sigma * scale
        if xy == 'heatmap':
            root = slice(root_index, root_index + 1)
            position = (centre - main[:, :, root]) * scale
            spread = (spread**2 + (sigma[:, :, root, :1] * scale)**2).sqrt()
        else:
            position = coarse[..., :2] + (centre - main) * scale
            spread = torch.maximum(spread, residual[..., :2])
        M = mixtures.shape[-2]
        depth = (*coarse.shape[:3], M, 1)
        weights = weights.squeeze(-1)
        means = torch.cat([position, coarse[..., 2:].expand(depth)], dim=-1)
        stds = torch.cat([spread, residual[..., 2:].expand(depth)], dim=-1)

    if depths is not None:
        weights, means, stds = _cross(weights, means, stds, depths)
    stds = (stds * std_scale).clamp(min=min_std)
    is_root = torch.zeros(coarse.shape[2], 1, 1, dtype=torch.bool)
    is_root[root_index] = True
    is_root = is_root.to(coarse.device)
    return JointMixtures(weights, means.masked_fill(is_root, 0.),
                         stds.masked_fill(is_root, min_std))


def _cross(weights: Tensor, means: Tensor, stds: Tensor,
           depths: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
    """Replace z by an independent mixture (J, M_z, 3): M times M_z parts."""
    shape = (*weights.shape, depths.shape[-2])
    weight_z, mean_z, std_z = depths[:, None].to(weights).unbind(dim=-1)

    def with_depth(xyz: Tensor, z: Tensor) -> Tensor:
        xy = xyz[..., None, :2].expand(*shape, 2)
        z = z.expand(shape)[..., None]
        return torch.cat([xy, z], dim=-1).flatten(-3, -2)

    weights = (weights[..., None] * weight_z).flatten(-2)
    return weights, with_depth(means, mean_z), with_depth(stds, std_z)


def joint_noise(joints: JointMixtures, noise: HypothesisNoise) -> NoiseModel:
    r""":math:`H_K` itself as noise model: a component drawn per joint.

    No EM is needed; each joint's component is drawn on its own, as the
    released code does.
    """
    uniform = noise.uniform()
    grouped = JointMixtures(joints.weights[:, None], joints.means[:, None],
                            joints.stds[:, None])
    stds = grouped.pick(grouped.stds, uniform)
    return NoiseModel(
        grouped.pick(grouped.means, uniform), lambda white: white * stds)


def fit_pose_mixture(joints: JointMixtures,
                     num_components: int,
                     base: HypothesisNoise,
                     covariance_type: str = 'diag',
                     max_iter: int = 10) -> GaussianMixture:
    r"""Fit :math:`\phi_{GMM}` to samples of :math:`H_K` by EM (Eq. 6).

    Args:
        joints (JointMixtures): (B, T, J, M', ...).
        num_components (int): M.
        base (HypothesisNoise): Source of the :math:`N_{GMM}` samples, with
            batch 1 and one frame: all poses share the same white noise, so
            that a fit depends on its own distribution only.
        covariance_type (str): ``'diag'``, ``'joint'`` or ``'full'``.
        max_iter (int): EM iterations.

    Returns:
        GaussianMixture: Batch (B, T), D = 3J.
    """
    uniform, white = base.uniform()[0, :, 0], base.normal()[0, :, 0]
    grouped = JointMixtures(*(value[:, :, None]
                              for value in (joints.weights, joints.means,
                                            joints.stds)))
    samples = (
        grouped.pick(grouped.means, uniform) +
        white * grouped.pick(grouped.stds, uniform))
    mixture, _ = fit_gmm(
        samples.flatten(-2),
        n_components=num_components,
        covariance_type=covariance_type,
        max_iter=max_iter,
        reg_covar=1e-6)
    return mixture


def pose_noise(mixture: GaussianMixture, noise: HypothesisNoise) -> NoiseModel:
    r"""Eq. 7's noise: one component per hypothesis and frame, kept for all k.

    Args:
        mixture (GaussianMixture): Batch (B, T), D = 3J.
        noise (HypothesisNoise): Of shape (B, N, T, J).
    """
    uniform = noise.uniform_frames().transpose(1, 2)
    component = draw_component(mixture.weights[..., None, :], uniform)

    def to_poses(values: Tensor) -> Tensor:
        return values.unflatten(-1, (-1, 3)).transpose(1, 2)

    return NoiseModel(
        to_poses(mixture.component_mean(component)), lambda white: to_poses(
            mixture.colour(component,
                           white.transpose(1, 2).flatten(-2))))
