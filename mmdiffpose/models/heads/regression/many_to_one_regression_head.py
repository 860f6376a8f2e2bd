# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Regression head of P-STMO."""

from typing import Optional, Sequence, Tuple

import torch
from torch import Tensor

from mmdiffpose.models.heads.parts.base import stack_labels
from mmdiffpose.registry import MODELS
from .lifting_regression_head import LiftingRegressionHead


@MODELS.register_module()
class ManyToOneRegressionHead(LiftingRegressionHead):
    """Supervises every frame, and the middle one once more.

    Shan et al., "P-STMO", ECCV 2022: the loss of all frames from
    the temporal encoder plus that of the middle frame from the many-to-one
    aggregator. Elsewhere it is a :class:`LiftingRegressionHead`, with the
    same weights.
    """

    def loss(self,
             feats: Tuple[Tensor, Tensor],
             batch_data_samples: Sequence,
             train_cfg: Optional[dict] = None) -> dict:
        """Loss against the root-relative target.

        Args:
            feats (tuple[Tensor]): The two maps of
                :class:`~mmdiffpose.models.encoders.PSTMO` in training,
                (B, T, J, C).
            batch_data_samples (list[PoseDataSample]): B of them.
            train_cfg (dict, optional): Unused.

        Returns:
            dict: ``loss_pose3d`` of all frames, ``loss_center`` of the middle
            one and, for the log, ``mpjpe_mm`` of all frames.

        Raises:
            ValueError: For features of another encoder.
        """
        if len(feats) != 2:
            raise ValueError('ManyToOneRegressionHead trains on the two '
                             f'feature maps of PSTMO, but got {len(feats)}')
        frames, merged = feats
        pred = self.forward((frames, ))
        target = stack_labels(batch_data_samples, 'lifting_target_label', pred)
        weight = stack_labels(batch_data_samples, 'lifting_target_weight',
                              pred)
        middle = slice(pred.shape[1] // 2, pred.shape[1] // 2 + 1)
        center = self.forward((merged[:, middle], ))
        with torch.no_grad():
            error = (self.to_root_relative(pred) - target).norm(dim=-1).mean()
        return dict(
            loss_pose3d=self.loss_module(pred, target, weight),
            loss_center=self.loss_module(center, target[:, middle],
                                         weight[:, middle]),
            mpjpe_mm=error * 1000)
