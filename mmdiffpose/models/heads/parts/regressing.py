# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Base of the heads that give one pose."""

from abc import abstractmethod
from typing import Any, Optional, Sequence

import torch
from torch import Tensor, nn

from mmdiffpose.diffusion.aggregation import std_per_axis
from mmdiffpose.skeletons.metainfo import SkeletonLike
from .base import (UNMEASURED_STD, BaseLiftingHead, LiftingContext,
                   LiftingEstimate, split_views)


class RegressingHead(BaseLiftingHead):
    """A head without hypotheses.

    A subclass says how poses are regressed (:meth:`regress`) and how far off
    they are (:meth:`joint_std`), and makes ``loss_module``, which takes
    poses, targets and weights. Both views' poses are averaged where the
    lifter tests with flips.
    """

    loss_module: nn.Module

    @abstractmethod
    def regress(self, feats: Any, mixtures: Optional[Tensor] = None) -> Tensor:
        """What the network says, as the loss sees it.

        Args:
            feats (LiftingContext): Of B windows.
            mixtures (Tensor, optional): 2D mixtures (B, T, J, M, 5), for
                heads with ``reads_mixtures``.

        Returns:
            Tensor: (B, T, J, 3), metres; the root is where the network has
            it.
        """

    @abstractmethod
    def joint_std(self, feats: Any) -> Tensor:
        """Std of each joint's error along x, y and z, (J, 3), metres."""

    def loss(self,
             feats: Any,
             batch_data_samples: Sequence,
             train_cfg: Optional[dict] = None) -> dict:
        """Loss against the root-relative target.

        Returns:
            dict: ``loss_pose3d``.
        """
        pred = self.regress(feats, self.mixtures(batch_data_samples, feats))
        return dict(
            loss_pose3d=self.loss_module(
                pred, *self.targets(batch_data_samples, pred)))

    def estimate(self,
                 feats: Any,
                 data_samples: Optional[Sequence] = None,
                 test_cfg: Optional[dict] = None) -> LiftingEstimate:
        """See :meth:`BaseLiftingHead.estimate`."""
        feats, mirrored = split_views(feats)
        mixtures = self.mixtures(data_samples, feats)
        poses, other, mirror = self.regress(feats, mixtures), None, None
        if mirrored is not None:
            mirror = self.mirror_order(data_samples)
            other = self.regress(mirrored,
                                 self.flip_mixtures(mixtures, mirror))
            if isinstance(mirrored, LiftingContext):
                mirrored = mirrored._replace(mirror=mirror)
        poses = self.to_root_relative(self.average_views(poses, other, mirror))
        along = self.joint_std(feats)
        return LiftingEstimate(
            poses,
            std_per_axis(along).expand(poses.shape[:-1]),
            coarse=self.average_coarse(feats, mirrored),
            std_xyz=along.expand_as(poses))


class MeasuredHead(RegressingHead):
    """A regressing head that knows how far off its poses are.

    ``residual_std`` (J, 3), metres, is measured on people that it has not
    seen, by :class:`~mmdiffpose.engine.ResidualCalibrationHook`, and saved
    with the weights, beside whether it is ``calibrated``.
    """

    residual_std: Tensor
    calibrated: Tensor

    def __init__(self,
                 num_joints: Optional[int] = None,
                 root_index: Optional[int] = None,
                 decoder: Optional[dict] = None,
                 init_cfg: Optional[dict] = None,
                 skeleton: Optional[SkeletonLike] = None) -> None:
        super().__init__(num_joints, root_index, decoder, init_cfg, skeleton)
        self.register_buffer('residual_std',
                             torch.full((self.num_joints, 3), UNMEASURED_STD))
        self.register_buffer('calibrated', torch.tensor(False))

    def set_residual_std(self, std: Tensor) -> None:
        """Store the measured residual std (J, 3), metres."""
        if std.shape != self.residual_std.shape:
            raise ValueError(
                f'residual std should have the shape '
                f'{tuple(self.residual_std.shape)}, got {tuple(std.shape)}')
        self.residual_std.copy_(std)
        self.calibrated.fill_(True)

    def joint_std(self, feats: Any) -> Tensor:
        """The measured one, (J, 3), metres."""
        return self.residual_std
