# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The control of DiffHPE: its network as a single-pass regressor."""

from typing import Optional

from torch import Tensor

from mmdiffpose.models.denoisers.denoiser import Denoiser, build_denoiser
from mmdiffpose.models.heads.parts.base import LiftingContext
from mmdiffpose.models.heads.parts.regressing import MeasuredHead
from mmdiffpose.registry import MODELS
from mmdiffpose.skeletons.metainfo import SkeletonLike


@MODELS.register_module()
class DenoiserRegressionHead(MeasuredHead):
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
        num_joints (int, optional): As in ``BaseLiftingHead``.
        root_index (int, optional): As there.
        decoder (dict, optional): The codec.
        init_cfg (dict, optional): Initialisation config.
        skeleton (str | dict | Skeleton, optional): As in ``BaseLiftingHead``.
    """

    normalized_context = True
    works_without_coarse = True
    denoiser: Denoiser

    def __init__(self,
                 denoiser: dict,
                 loss: Optional[dict] = None,
                 num_joints: Optional[int] = None,
                 root_index: Optional[int] = None,
                 decoder: Optional[dict] = None,
                 init_cfg: Optional[dict] = None,
                 skeleton: Optional[SkeletonLike] = None) -> None:
        super().__init__(num_joints, root_index, decoder, init_cfg, skeleton)
        self.denoiser = build_denoiser(denoiser, 0, self.skeleton)
        if loss is None:
            loss = dict(type='mmdiffpose.SquaredErrorLoss', loss_weight=1 / 3)
        self.loss_module = MODELS.build(loss)

    def regress(self,
                feats: LiftingContext,
                mixtures: Optional[Tensor] = None) -> Tensor:
        """Poses (B, T, J, 3), metres."""
        features = feats.features
        blank = features.new_zeros(*features.shape[:-1], 3)
        steps = features.new_zeros(features.shape[0]).long()
        return self.denoiser(blank, steps, features)
