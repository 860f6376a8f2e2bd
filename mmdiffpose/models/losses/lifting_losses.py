# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Losses on 3D pose sequences, metres."""

from typing import Optional, Sequence, Tuple

import torch
from torch import Tensor, nn

from mmdiffpose.registry import MODELS
from mmdiffpose.skeletons import H36M_17, Skeleton, canonical_joint
from mmdiffpose.skeletons.metainfo import SkeletonLike, as_skeleton
from mmdiffpose.skeletons.mocap_sets import h36m_places

MIXSTE_JOINT_WEIGHTS = (1., 1., 2.5, 2.5, 1., 2.5, 2.5, 1., 1., 1., 1.5, 1.5,
                        4., 4., 1.5, 4., 4.)
"""Joint weights of MixSTE's loss (its supplementary; Human3.6M-17 order)."""

_PARTS = {'ankle': 'foot', 'head_top': 'head'}
"""Parts of the body that Human3.6M calls otherwise."""


def mixste_joint_weights(skeleton: Skeleton) -> Tuple[float, ...]:
    """MixSTE's weights for the joints of any skeleton, by their names.

    Human3.6M's joints have theirs in any order. Elsewhere a knee weighs what
    Human3.6M's does, on either side; so do ankles (its feet) and the top of
    the head (its head). Joints that it doesn't have weigh 1, as its trunk
    does.

    Args:
        skeleton (Skeleton): J joints.
    """

    places = h36m_places(skeleton)
    if places is not None:
        by_place = dict(zip(places, MIXSTE_JOINT_WEIGHTS))
        return tuple(by_place[i] for i in range(len(by_place)))

    def part(joint: str) -> str:
        name = canonical_joint(joint)
        name = name.removeprefix('left_').removeprefix('right_')
        return _PARTS.get(name, name)

    known = dict(zip(map(part, H36M_17.joints), MIXSTE_JOINT_WEIGHTS))
    return tuple(known.get(part(joint), 1.) for joint in skeleton.joints)


def masked_mean(value: Tensor, weight: Optional[Tensor]) -> Tensor:
    """Mean of ``value`` (..., J) by ``weight``, broadcastable, if any; of
    nothing it is 0."""
    if weight is None:
        return value.mean()
    weight = weight.expand_as(value)
    return (value * weight).sum() / weight.sum().clamp(min=1e-6)


@MODELS.register_module()
class MPJPELoss(nn.Module):
    """Mean per-joint position error as a loss.

    Args:
        loss_weight (float): Defaults to 1.
    """

    def __init__(self, loss_weight: float = 1.) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self,
                pred: Tensor,
                target: Tensor,
                weight: Optional[Tensor] = None) -> Tensor:
        """Args: poses (B, T, J, 3), metres; weight (B, T, J), optional."""
        distance = (pred - target).norm(dim=-1)
        return self.loss_weight * masked_mean(distance, weight)


@MODELS.register_module()
class SquaredErrorLoss(nn.Module):
    """Squared error per joint, the norm of DiffPose's Eq. 9.

    Args:
        loss_weight (float): Defaults to 1.
    """

    def __init__(self, loss_weight: float = 1.) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self,
                pred: Tensor,
                target: Tensor,
                weight: Optional[Tensor] = None) -> Tensor:
        """Args: poses (B, T, J, 3), metres; weight (B, T, J), optional."""
        squared = (pred - target).square().sum(dim=-1)
        return self.loss_weight * masked_mean(squared, weight)


@MODELS.register_module()
class MixSTELoss(nn.Module):
    """MixSTE's loss: weighted MPJPE, temporal consistency, velocity.

    Zhang et al., CVPR 2022, Sec. 3.4. The temporal consistency term penalises
    the prediction's own frame-to-frame change, the velocity term (MPJVE) the
    difference of that change to the ground truth's.

    Args:
        joint_weights (Sequence[float], optional): Weight of each joint.
            Defaults to :func:`mixste_joint_weights` of the skeleton.
        consistency_weight (float): Defaults to 0.5.
        velocity_weight (float): Defaults to 2.
        loss_weight (float): Defaults to 1.
        skeleton (str | dict | Skeleton): The joints. Defaults to
            Human3.6M-17.
    """

    joint_weights: Tensor

    def __init__(self,
                 joint_weights: Optional[Sequence[float]] = None,
                 consistency_weight: float = 0.5,
                 velocity_weight: float = 2.,
                 loss_weight: float = 1.,
                 skeleton: SkeletonLike = 'h36m') -> None:
        super().__init__()
        if joint_weights is None:
            joint_weights = mixste_joint_weights(as_skeleton(skeleton))
        self.register_buffer(
            'joint_weights', torch.tensor(joint_weights), persistent=False)
        self.consistency_weight = consistency_weight
        self.velocity_weight = velocity_weight
        self.loss_weight = loss_weight

    def forward(self,
                pred: Tensor,
                target: Tensor,
                weight: Optional[Tensor] = None) -> Tensor:
        """Args: poses (B, T, J, 3), metres; weight (B, T, J), optional."""
        if pred.shape[2] != len(self.joint_weights):
            raise ValueError(f'MixSTELoss has {len(self.joint_weights)} joint '
                             f'weights, but the poses have {pred.shape[2]} '
                             'joints')
        distance = (pred - target).norm(dim=-1)
        loss = masked_mean(self.joint_weights * distance, weight)
        if pred.shape[1] > 1:
            pair = (None if weight is None else torch.minimum(
                weight[:, 1:], weight[:, :-1]))
            step = pred.diff(dim=1)
            consistency = self.joint_weights * step.square().mean(dim=-1)
            velocity = (step - target.diff(dim=1)).norm(dim=-1)
            loss = (
                loss +
                self.consistency_weight * masked_mean(consistency, pair) +
                self.velocity_weight * masked_mean(velocity, pair))
        return self.loss_weight * loss
