# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The control of DiffHPE: its network as a single-pass regressor."""

from typing import List, Optional, Sequence, Union

from mmengine.structures import InstanceData
from torch import Tensor

from mmdiffpose.models.heads.parts.base import (BaseLiftingHead,
                                                LiftingContext, flip_poses,
                                                stack_labels)
from mmdiffpose.models.heads.parts.residual_std import ResidualStdMixin
from mmdiffpose.registry import MODELS


@MODELS.register_module()
class DenoiserRegressionHead(ResidualStdMixin, BaseLiftingHead):
    """DiffHPE's denoiser regresses the pose in one pass: no diffusion.

    The network gets a pose of zeros at step 0 in place of a noisy one, sees
    the same context as in :class:`DiffHPEHead`, and is trained as long on the
    same kind of loss, so that what diffusion is worth is DiffHPE's lead over
    this head, not over a context encoder with fewer parameters.

    It stores how far off its poses are on people that it has not seen, as
    :class:`LiftingRegressionHead` does, and reports that as their std.

    Args:
        denoiser (dict): The network, ``CSDIGCN`` or ``CSDITransformer``.
        loss (dict, optional): Defaults to the mean of squares over all
            coordinates.
        num_joints (int): Number of joints J. Defaults to 17.
        root_index (int): The root joint. Defaults to 0.
        decoder (dict, optional): The codec.
        init_cfg (dict, optional): Initialisation config.
    """

    normalized_context = True
    works_without_coarse = True

    def __init__(self,
                 denoiser: dict,
                 loss: Optional[dict] = None,
                 num_joints: int = 17,
                 root_index: int = 0,
                 decoder: Optional[dict] = None,
                 init_cfg: Optional[dict] = None) -> None:
        super().__init__(num_joints, root_index, decoder, init_cfg)
        self.denoiser = MODELS.build(denoiser)
        if loss is None:
            loss = dict(type='mmdiffpose.SquaredErrorLoss', loss_weight=1 / 3)
        self.loss_module = MODELS.build(loss)
        self.add_residual_std(num_joints)

    def forward(self, feats: LiftingContext) -> Tensor:
        """Poses (B, T, J, 3), metres."""
        features = feats.features
        blank = features.new_zeros(*features.shape[:-1], 3)
        steps = features.new_zeros(len(features)).long()
        return self.denoiser(blank, steps, features)

    def loss(self,
             feats: LiftingContext,
             batch_data_samples: Sequence,
             train_cfg: Optional[dict] = None) -> dict:
        """Loss against the root-relative target: ``loss_pose3d``."""
        pred = self.forward(feats)
        target = stack_labels(batch_data_samples, 'lifting_target_label', pred)
        weight = stack_labels(batch_data_samples, 'lifting_target_weight',
                              pred)
        return dict(loss_pose3d=self.loss_module(pred, target, weight))

    def predict(self,
                feats: Union[LiftingContext, List[LiftingContext]],
                batch_data_samples: Sequence,
                test_cfg: Optional[dict] = None) -> List[InstanceData]:
        """Poses with the measured std of each joint."""
        mirrored = None
        if isinstance(feats, list):
            feats, mirrored = feats
        pred, coarse = self.forward(feats), feats.coarse
        if mirrored is not None:
            pred = (pred + flip_poses(self.forward(mirrored))) / 2
            if coarse is not None:
                coarse = (coarse + flip_poses(mirrored.coarse)) / 2
        pred = self.to_root_relative(pred)
        std = self.joint_std().expand(pred.shape[:-1])
        return self.pack(pred, std, batch_data_samples, coarse=coarse)
