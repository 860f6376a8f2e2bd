# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The controls: DiffPose's network as a regressor, once or stacked."""

from typing import List, Optional, Sequence, Union

import torch
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmdiffpose.models.heads.parts.base import (LiftingContext, flip_mixtures,
                                                flip_poses, stack_labels,
                                                stack_mixtures)
from mmdiffpose.models.heads.parts.denoising import DenoisingHead
from mmdiffpose.registry import MODELS


@MODELS.register_module()
class SinglePassHead(DenoisingHead):
    """DiffPose's "Baseline A" and "Baseline B" (Table 4): no diffusion.

    The denoiser gets the context encoder's pose in place of a noisy one and
    regresses the pose, in one step (A), or stacked ``num_stacks`` times with
    weights of their own to approximate the complexity of a reverse process
    (B); each further network refines the pose before it. What diffusion is
    worth is its lead over this head, not over the context encoder, which has
    fewer parameters. With ``residual=True`` the pose is regressed relative to
    the context encoder's (and then is zero at the input: the network knows it
    from f_ST and, with ``condition_on_start``, from the moments of H_K), with
    ``residual=False`` as such; the paper does not say which.

    Args:
        in_channels (int): Width C of the context encoder's features.
        denoiser (dict): The network g.
        loss (dict): Defaults to MPJPE.
        num_stacks (int): Networks one after the other. Defaults to 1.
        **kwargs: Arguments of :class:`DenoisingHead`.
    """

    def __init__(self,
                 in_channels: int,
                 denoiser: dict,
                 loss: Optional[dict] = None,
                 num_stacks: int = 1,
                 **kwargs) -> None:
        super().__init__(in_channels, denoiser, **kwargs)
        if num_stacks < 1:
            raise ValueError(f'num_stacks should be at least 1, got '
                             f'{num_stacks}')
        self.refiners = nn.ModuleList(
            MODELS.build(denoiser) for _ in range(num_stacks - 1))
        self.loss_module = MODELS.build(
            dict(type='mmdiffpose.MPJPELoss') if loss is None else loss)

    def forward(self,
                feats: LiftingContext,
                mixtures: Optional[Tensor] = None) -> Tensor:
        """Poses (B, T, J, 3), metres, with 2D mixtures (B, T, J, M, 5)."""
        steps = torch.zeros(
            feats.coarse.shape[0],
            1,
            feats.coarse.shape[1],
            device=feats.coarse.device)
        context = self.project(feats, self.initial(feats, mixtures))
        poses = self.denoise(feats.coarse[:, None], steps, context,
                             feats.coarse)
        for network in self.refiners:
            # A refiner's output is a step from the pose before it, so that
            # an untrained one changes nothing.
            reference = feats.coarse[:, None] if self.residual else 0.
            poses = poses - reference + self.denoise(poses, steps, context,
                                                     feats.coarse, network)
        return poses[:, 0]

    def loss(self,
             feats: LiftingContext,
             batch_data_samples: Sequence,
             train_cfg: Optional[dict] = None) -> dict:
        """Loss against the root-relative target: ``loss_pose3d``."""
        target = stack_labels(batch_data_samples, 'lifting_target_label',
                              feats.coarse)
        weight = stack_labels(batch_data_samples, 'lifting_target_weight',
                              feats.coarse)
        pred = self.forward(feats, stack_mixtures(batch_data_samples, weight))
        return dict(loss_pose3d=self.loss_module(pred, target, weight))

    def predict(self,
                feats: Union[LiftingContext, List[LiftingContext]],
                batch_data_samples: Sequence,
                test_cfg: Optional[dict] = None) -> List[InstanceData]:
        """Poses with the context encoder's std per joint."""
        mirrored = None
        if isinstance(feats, list):
            feats, mirrored = feats
        mixtures = stack_mixtures(batch_data_samples, feats.coarse)
        pred, coarse = self.forward(feats, mixtures), feats.coarse
        if mirrored is not None:
            other = self.forward(mirrored, flip_mixtures(mixtures))
            pred = (pred + flip_poses(other)) / 2
            coarse = (coarse + flip_poses(mirrored.coarse)) / 2
        pred = self.to_root_relative(pred)
        std = feats.residual_std.square().mean(-1).sqrt()
        return self.pack(
            pred,
            std.expand(pred.shape[:-1]),
            batch_data_samples,
            coarse=coarse)
