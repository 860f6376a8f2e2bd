# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Losses on 3D pose sequences, metres."""

from typing import Optional, Sequence

import torch
from torch import Tensor, nn

from mmdiffpose.registry import MODELS

MIXSTE_JOINT_WEIGHTS = (1., 1., 2.5, 2.5, 1., 2.5, 2.5, 1., 1., 1., 1.5, 1.5,
                        4., 4., 1.5, 4., 4.)
"""Joint weights of MixSTE's loss (its supplementary; Human3.6M-17 order)."""


def masked_mean(value: Tensor, weight: Optional[Tensor]) -> Tensor:
    """Mean of ``value`` (B, T, J), weighted; of nothing it is 0."""
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
        joint_weights (Sequence[float]): Weight of each joint.
        consistency_weight (float): Defaults to 0.5.
        velocity_weight (float): Defaults to 2.
        loss_weight (float): Defaults to 1.
    """

    joint_weights: Tensor

    def __init__(self,
                 joint_weights: Sequence[float] = MIXSTE_JOINT_WEIGHTS,
                 consistency_weight: float = 0.5,
                 velocity_weight: float = 2.,
                 loss_weight: float = 1.) -> None:
        super().__init__()
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
