# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Regression head: a context encoder's own 3D poses."""

from typing import List, Optional, Sequence, Tuple, Union

import torch
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmdiffpose.models.heads.parts.base import (BaseLiftingHead, flip_poses,
                                                stack_labels)
from mmdiffpose.models.heads.parts.residual_std import ResidualStdMixin
from mmdiffpose.registry import MODELS

Features = Union[Tuple[Tensor], List[Tuple[Tensor]]]


@MODELS.register_module()
class LiftingRegressionHead(ResidualStdMixin, BaseLiftingHead):
    """LayerNorm and a linear layer, as MixSTE's regression head.

    It also stores how far off its poses are on people that it has not seen:
    ``residual_std`` (J, 3), metres, measured on the validation split by
    :class:`~mmdiffpose.engine.ResidualCalibrationHook`. It is the depth
    uncertainty of H_K and the std that this head reports; a frozen encoder's
    residual on its own training frames would be far too small.

    Args:
        in_channels (int): Width C of the features.
        num_joints (int): Number of joints J. Defaults to 17.
        loss (dict): Defaults to MPJPE.
        root_index (int): The root joint. Defaults to 0.
        decoder (dict, optional): The codec.
        init_cfg (dict, optional): Initialisation config.
    """

    def __init__(self,
                 in_channels: int,
                 num_joints: int = 17,
                 loss: Optional[dict] = None,
                 root_index: int = 0,
                 decoder: Optional[dict] = None,
                 init_cfg: Optional[dict] = None) -> None:
        super().__init__(num_joints, root_index, decoder, init_cfg)
        self.norm = nn.LayerNorm(in_channels, eps=1e-5)
        self.linear = nn.Linear(in_channels, 3)
        self.loss_module = MODELS.build(
            dict(type='mmdiffpose.MPJPELoss') if loss is None else loss)
        self.add_residual_std(num_joints)

    def forward(self, feats: Tuple[Tensor]) -> Tensor:
        """Features ((B, T, J, C), ) to poses (B, T, J, 3), metres."""
        return self.linear(self.norm(feats[-1]))

    def loss(self,
             feats: Tuple[Tensor],
             batch_data_samples: Sequence,
             train_cfg: Optional[dict] = None) -> dict:
        """Loss against the root-relative target.

        Returns:
            dict: ``loss_pose3d`` and, for the log, ``mpjpe_mm``.
        """
        pred = self.forward(feats)
        target = stack_labels(batch_data_samples, 'lifting_target_label', pred)
        weight = stack_labels(batch_data_samples, 'lifting_target_weight',
                              pred)
        with torch.no_grad():
            error = (self.to_root_relative(pred) - target).norm(dim=-1).mean()
        return dict(
            loss_pose3d=self.loss_module(pred, target, weight),
            mpjpe_mm=error * 1000)

    def predict(self,
                feats: Features,
                batch_data_samples: Sequence,
                test_cfg: Optional[dict] = None) -> List[InstanceData]:
        """Poses with the calibrated std of each joint.

        ``feats`` is a list of two where the model tests with flips; both
        views are averaged.
        """
        if isinstance(feats, list):
            pred = (self.forward(feats[0]) +
                    flip_poses(self.forward(feats[1]))) / 2
        else:
            pred = self.forward(feats)
        pred = self.to_root_relative(pred)
        std = self.joint_std()
        return self.pack(pred, std.expand(*pred.shape[:-1]),
                         batch_data_samples)
