# Copyright (c) mmdiffpose contributors. All rights reserved.
"""A refined pose and how far off it may be, in a single pass."""

from types import MappingProxyType
from typing import Any, Mapping, Optional, Sequence, Tuple

from torch import Tensor

from mmdiffpose.diffusion.aggregation import std_per_axis
from mmdiffpose.models.heads.parts.base import (LiftingContext,
                                                LiftingEstimate, flip_poses,
                                                split_views)
from mmdiffpose.models.heads.parts.refining import RefiningPart
from mmdiffpose.registry import MODELS
from mmdiffpose.skeletons.metainfo import SkeletonLike


@MODELS.register_module()
class RefiningHead(RefiningPart):
    r"""A second regression on all joints' features, and its predicted std.

    The control of every head that samples the residual: the same mean and
    the same std without any sampling. A context encoder's own pose is in
    ``coarse_keypoints`` beside it, so that one training shows what the second
    regression is worth. With ``freeze_context=False`` of the lifter the
    encoder is trained by its own pose at the same time.

    Where the lifter tests with flips, the std is the root mean square of both
    views': their errors are almost the same.

    Args:
        in_channels (int, optional): Width C of the features; see
            :class:`~mmdiffpose.models.heads.parts.refining.RefiningPart`,
            here and in what follows.
        refine (dict, optional): Arguments of ``RefiningRegressor``. None for
            the coarse pose with a predicted std.
        std (dict): Arguments of ``ResidualStdRegressor``.
        loss (dict, optional): Of both poses. Defaults to MPJPE.
        std_weight (float): Of the std's likelihood. Defaults to 0.1.
        regression (dict, optional): A network of the head's own that makes
            the coarse pose, such as ``CSDIGCN``.
        num_joints (int, optional): Number of joints J.
        root_index (int, optional): The root joint.
        decoder (dict, optional): The codec.
        init_cfg (dict, optional): Initialisation config.
        skeleton (str | dict | Skeleton, optional): As in ``BaseLiftingHead``.
    """

    def __init__(self,
                 in_channels: Optional[int] = None,
                 refine: Optional[Mapping[str, Any]] = MappingProxyType({}),
                 std: Mapping[str, Any] = MappingProxyType({}),
                 loss: Optional[dict] = None,
                 std_weight: float = 0.1,
                 regression: Optional[Mapping[str, Any]] = None,
                 num_joints: Optional[int] = None,
                 root_index: Optional[int] = None,
                 decoder: Optional[dict] = None,
                 init_cfg: Optional[dict] = None,
                 skeleton: Optional[SkeletonLike] = None) -> None:
        super().__init__(num_joints, root_index, decoder, init_cfg, skeleton)
        self.refine_by(in_channels, refine, std, loss, std_weight, regression)

    def loss(self,
             feats: LiftingContext,
             batch_data_samples: Sequence,
             train_cfg: Optional[dict] = None) -> dict:
        """Losses of all regressions.

        Returns:
            dict: ``loss_std``, ``loss_pose3d`` and ``loss_coarse``, the last
            two where there is something to train.
        """
        known = self.regress(feats)
        return self.regression_losses(
            known, *self.targets(batch_data_samples, known.mean))

    def _view(self, context: LiftingContext) -> Tuple[Tensor, Tensor]:
        known = self.regress(context)
        return known.mean, known.std

    def estimate(self,
                 feats: Any,
                 data_samples: Optional[Sequence] = None,
                 test_cfg: Optional[dict] = None) -> LiftingEstimate:
        """See :meth:`BaseLiftingHead.estimate`."""
        context, mirrored = split_views(feats)
        poses, std = self._view(context)
        if mirrored is not None:
            other, other_std = self._view(mirrored)
            order = self.mirror_order(data_samples)
            mirrored = mirrored._replace(mirror=order)
            poses = self.average_views(poses, other, order)
            other_std = flip_poses(other_std, self.mirror(order)).abs()
            std = ((std.square() + other_std.square()) / 2).sqrt()
        return LiftingEstimate(
            poses,
            std_per_axis(std),
            coarse=self.average_coarse(context, mirrored),
            std_xyz=std)
