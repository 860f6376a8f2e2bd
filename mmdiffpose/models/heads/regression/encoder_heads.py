# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Regression heads: a context encoder's own 3D poses."""

from typing import Any, Optional, Sequence, Tuple

import torch
from torch import Tensor, nn

from mmdiffpose.models.heads.parts.regressing import MeasuredHead
from mmdiffpose.models.layers import ChebConv, FullPrecisionLinear, start_small
from mmdiffpose.models.losses.lifting_losses import masked_mean
from mmdiffpose.registry import MODELS
from mmdiffpose.skeletons.metainfo import SkeletonLike


class EncoderHead(MeasuredHead):
    """Base of the heads on top of a context encoder.

    ``residual_std``, measured on the validation split, is the depth
    uncertainty of H_K and the std that such a head reports; a frozen
    encoder's residual on its own training frames would be far too small.

    Args:
        num_joints (int, optional): As in ``BaseLiftingHead``.
        loss (dict): Defaults to MPJPE.
        root_index (int, optional): As there.
        decoder (dict, optional): The codec.
        init_cfg (dict, optional): Initialisation config.
        skeleton (str | dict | Skeleton, optional): As in ``BaseLiftingHead``.
    """

    def __init__(self,
                 num_joints: Optional[int] = None,
                 loss: Optional[dict] = None,
                 root_index: Optional[int] = None,
                 decoder: Optional[dict] = None,
                 init_cfg: Optional[dict] = None,
                 skeleton: Optional[SkeletonLike] = None) -> None:
        super().__init__(num_joints, root_index, decoder, init_cfg, skeleton)
        self.loss_module = MODELS.build(
            dict(type='mmdiffpose.MPJPELoss') if loss is None else loss)

    def loss(self,
             feats: Tuple[Tensor, ...],
             batch_data_samples: Sequence,
             train_cfg: Optional[dict] = None) -> dict:
        """Loss against the root-relative target.

        Returns:
            dict: ``loss_pose3d`` and, for the log, ``mpjpe_mm``.
        """
        pred = self.regress(feats)
        target, weight = self.targets(batch_data_samples, pred)
        return dict(
            loss_pose3d=self.loss_module(pred, target, weight),
            mpjpe_mm=self.error_mm(pred, target, weight))

    @torch.no_grad()
    def error_mm(self,
                 poses: Tensor,
                 target: Tensor,
                 weight: Optional[Tensor] = None) -> Tensor:
        """Mean error of the joints with weight (B, T, J) above 0, all where
        absent, of root-relative poses (B, T, J, 3): metres in, millimetres
        out."""
        error = (self.to_root_relative(poses) - target).norm(dim=-1)
        counted = torch.ones_like(error) if weight is None else (weight > 0)
        return masked_mean(error, counted.to(error)) * 1000


@MODELS.register_module()
class LiftingRegressionHead(EncoderHead):
    """LayerNorm and a linear layer, as MixSTE's regression head.

    Args:
        in_channels (int): Width C of the features.
        **kwargs: Arguments of :class:`EncoderHead`.
    """

    def __init__(self, in_channels: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.norm = nn.LayerNorm(in_channels, eps=1e-5)
        self.linear = FullPrecisionLinear(in_channels, 3)

    def regress(self,
                feats: Tuple[Tensor, ...],
                mixtures: Optional[Tensor] = None) -> Tensor:
        """Features ((B, T, J, C), ) to poses (B, T, J, 3), metres."""
        return self.linear(self.norm(feats[-1]))


@MODELS.register_module()
class GraphRegressionHead(EncoderHead):
    """A Chebyshev graph convolution to the pose.

    The last layer of GraFormer (Zhao et al., CVPR 2022); features are not
    normalised before it.

    Args:
        in_channels (int): Width C of the features.
        laplacian (str): See :class:`~mmdiffpose.models.layers.ChebConv`.
            Defaults to the released code's.
        **kwargs: Arguments of :class:`EncoderHead`.
    """

    def __init__(self,
                 in_channels: int,
                 laplacian: str = 'random_walk',
                 **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if self.skeleton is None:
            raise ValueError('GraphRegressionHead needs the graph of its '
                             f'{self.num_joints} joints: skeleton')
        self.output = start_small(
            ChebConv(
                in_channels, 3, self.skeleton.adjacency(),
                laplacian=laplacian))

    def regress(self,
                feats: Tuple[Tensor, ...],
                mixtures: Optional[Tensor] = None) -> Tensor:
        """Features ((B, T, J, C), ) to poses (B, T, J, 3), metres."""
        return self.output(feats[-1])


class ManyToOneLoss(EncoderHead):
    """P-STMO's loss (Shan et al., ECCV 2022): every frame, and the middle one
    once more.

    The loss of all frames from the temporal encoder plus that of the middle
    frame from the many-to-one aggregator.
    """

    def loss(self,
             feats: Tuple[Tensor, ...],
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
            raise ValueError(f'{type(self).__name__} trains on the two '
                             f'feature maps of PSTMO, but got {len(feats)}')
        frames, merged = feats
        losses = super().loss((frames, ), batch_data_samples)
        middle = slice(frames.shape[1] // 2, frames.shape[1] // 2 + 1)
        center = self.regress((merged[:, middle], ))
        target, weight = (
            label[:, middle]
            for label in self.targets(batch_data_samples, center))
        return dict(
            losses, loss_center=self.loss_module(center, target, weight))


@MODELS.register_module()
class ManyToOneRegressionHead(ManyToOneLoss, LiftingRegressionHead):
    """A :class:`LiftingRegressionHead`, with the same weights, that is
    trained by P-STMO's loss."""


@MODELS.register_module()
class PoseFeatureHead(ManyToOneLoss):
    """Takes the encoder's features for the pose, without a layer of its own.

    For P-STMO as it was published (Shan et al., ECCV 2022): its last linear
    layer gives each joint three coordinates, which is
    :class:`~mmdiffpose.models.encoders.PSTMO` with ``joint_dims=3``.

    Args:
        in_channels (int): Width C of the features. Should be 3.
        **kwargs: Arguments of :class:`EncoderHead`.

    Raises:
        ValueError: For another width.
    """

    def __init__(self, in_channels: int = 3, **kwargs: Any) -> None:
        if in_channels != 3:
            raise ValueError('PoseFeatureHead takes features of 3 '
                             f'coordinates, but in_channels is {in_channels}')
        super().__init__(**kwargs)

    def regress(self,
                feats: Tuple[Tensor, ...],
                mixtures: Optional[Tensor] = None) -> Tensor:
        """Features ((B, T, J, 3), ) as poses, metres."""
        return feats[-1]
