# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Regressions on all joints' features at once: a pose's mean and std."""

import math
from typing import Optional

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmdiffpose.registry import MODELS
from ..layers import FullPrecisionLinear, GatedBlock, Linear
from ..losses.lifting_losses import masked_mean

POSE_SCALE = 0.25
"""Metres per unit of a network's input, about a joint's distance per axis."""


def joint_tokens(features: Tensor, poses: Tensor, seen: Optional[Tensor],
                 norm: nn.Module) -> Tensor:
    """What is known of each joint, with gradients stopped.

    Args:
        features (Tensor): (B, T, J, C).
        poses (Tensor): A regression's poses, (B, T, J, 3), metres.
        seen (Tensor, optional): Whether the detector saw a joint, (B, T, J),
            0 to 1. Defaults to all.
        norm (nn.Module): Of the features.

    Returns:
        Tensor: (B, T, J, C + 4).
    """
    features, poses = features.detach(), poses.detach()
    mask = (
        torch.ones_like(poses[..., :1])
        if seen is None else seen[..., None].to(poses))
    return torch.cat([norm(features), poses / POSE_SCALE, mask], dim=-1)


class _WholePoseMLP(BaseModule):
    """From all joints' features to three numbers a joint, frame by frame."""

    def __init__(self, in_channels: int, num_joints: int, width: int,
                 num_blocks: int, init_cfg: Optional[dict]) -> None:
        super().__init__(init_cfg=init_cfg)
        self.in_channels = in_channels
        self.num_joints = num_joints
        self.features_norm = nn.LayerNorm(in_channels)
        self.input = Linear(num_joints * (in_channels + 4), width)
        self.blocks = nn.Sequential(*(GatedBlock(width)
                                      for _ in range(num_blocks)))
        self.norm = nn.LayerNorm(width)
        self.output = FullPrecisionLinear(width, 3 * num_joints)
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    def regress(self, features: Tensor, poses: Tensor,
                seen: Optional[Tensor]) -> Tensor:
        """(B, T, J, C) to (B, T, J, 3)."""
        expected = (self.num_joints, self.in_channels)
        if features.shape[-2:] != expected:
            raise ValueError(f'{type(self).__name__} was built for features '
                             f'(B, T, J, C) with J, C = {expected}, got '
                             f'{tuple(features.shape)}')
        tokens = joint_tokens(features, poses, seen, self.features_norm)
        x = self.norm(self.blocks(self.input(tokens.flatten(-2))))
        return self.output(x).view_as(poses)


@MODELS.register_module()
class RefiningRegressor(_WholePoseMLP):
    """A second regression that sees all joints' features at once.

    A context encoder's own head is a linear layer on one joint's features;
    this one corrects it by an MLP on all of them. It is trained by the mean
    joint distance on stopped features and on the first head's stopped pose,
    so that the encoder trains as without it. It runs once a frame, so that
    width is cheap.

    Args:
        in_channels (int): Width C of the encoder's features.
        num_joints (int): J. Defaults to 17.
        width (int): Defaults to 256.
        num_blocks (int): Defaults to 3.
        init_cfg (dict, optional): Initialisation config.
    """

    def __init__(self,
                 in_channels: int,
                 num_joints: int = 17,
                 width: int = 256,
                 num_blocks: int = 3,
                 init_cfg: Optional[dict] = None) -> None:
        super().__init__(in_channels, num_joints, width, num_blocks, init_cfg)

    def forward(self,
                features: Tensor,
                coarse: Tensor,
                seen: Optional[Tensor] = None) -> Tensor:
        """Refined poses; the first head's before any training.

        Args:
            features (Tensor): (B, T, J, C).
            coarse (Tensor): The first head's poses, (B, T, J, 3), metres.
            seen (Tensor, optional): Whether the detector saw a joint,
                (B, T, J).

        Returns:
            Tensor: (B, T, J, 3), metres.

        Raises:
            ValueError: For another number of joints or channels.
        """
        correction = self.regress(features, coarse, seen)
        return coarse.detach() + POSE_SCALE * correction


@MODELS.register_module()
class ResidualStdRegressor(_WholePoseMLP):
    r"""How far off a regression is, per frame, joint and axis.

    Trained by the Gaussian likelihood of its residual, the mean fixed:
    neither the features nor the pose get a gradient.

    Args:
        in_channels (int): Width C of the encoder's features.
        num_joints (int): J. Defaults to 17.
        width (int): Defaults to 128.
        num_blocks (int): Defaults to 1.
        initial_std (float): Before any training, metres. Defaults to 0.1.
        min_std (float): A floor, metres; the root's std goes there. Defaults
            to 0.002.
        init_cfg (dict, optional): Initialisation config.
    """

    def __init__(self,
                 in_channels: int,
                 num_joints: int = 17,
                 width: int = 128,
                 num_blocks: int = 1,
                 initial_std: float = 0.1,
                 min_std: float = 0.002,
                 init_cfg: Optional[dict] = None) -> None:
        super().__init__(in_channels, num_joints, width, num_blocks, init_cfg)
        if not 0 < min_std < initial_std:
            raise ValueError('0 < min_std < initial_std expected, got '
                             f'{min_std} and {initial_std}')
        self.min_std = min_std
        nn.init.constant_(self.output.bias, math.log(initial_std - min_std))

    def forward(self,
                features: Tensor,
                poses: Tensor,
                seen: Optional[Tensor] = None) -> Tensor:
        """Predicted std.

        Args:
            features (Tensor): (B, T, J, C).
            poses (Tensor): The regression's poses, (B, T, J, 3), metres.
            seen (Tensor, optional): Whether the detector saw a joint,
                (B, T, J).

        Returns:
            Tensor: (B, T, J, 3), metres, above ``min_std``.

        Raises:
            ValueError: For another number of joints or channels.
        """
        log_std = self.regress(features, poses, seen)
        # From 0.01 mm to 20 m.
        return self.min_std + log_std.clamp(-11.5, 3.).exp()

    @staticmethod
    def likelihood_loss(std: Tensor,
                        poses: Tensor,
                        target: Tensor,
                        weight: Optional[Tensor] = None) -> Tensor:
        r"""Mean of :math:`\ln s + (y - \mu)^2 / (2 s^2)`.

        Args:
            std (Tensor): s, (B, T, J, 3), metres.
            poses (Tensor): :math:`\mu`, (B, T, J, 3), metres; no gradient
                reaches them.
            target (Tensor): y, (B, T, J, 3), metres.
            weight (Tensor, optional): Of each joint's target, (B, T, J).

        Returns:
            Tensor: A single number.
        """
        residual = (target - poses.detach()) / std
        loss = (std.log() + residual.square() / 2).mean(dim=-1)
        return masked_mean(loss, weight)
