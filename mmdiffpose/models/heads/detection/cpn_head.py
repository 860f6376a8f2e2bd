# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Cascaded Pyramid Network, the 2D detector of the lifting papers."""

from copy import deepcopy
from typing import Dict, List, Optional, Sequence, Tuple

import torch
from mmcv.cnn import ConvModule
from mmengine.model import normal_init
from mmengine.structures import PixelData
from mmpose.evaluation.functional import pose_pck_accuracy
from mmpose.models.heads.base_head import BaseHead
from mmpose.models.utils.tta import flip_heatmaps
from mmpose.registry import KEYPOINT_CODECS
from mmpose.registry import MODELS as MMPOSE_MODELS
from mmpose.utils.tensor_utils import to_numpy
from mmpose.utils.typing import (ConfigType, Features, OptConfigType,
                                 OptSampleList, Predictions)
from torch import Tensor, nn
from torch.nn import functional as F

from mmdiffpose.registry import MODELS

Size = Sequence[int]

_NORM = dict(type='BN')


@MODELS.register_module()
class CPNHead(BaseHead):
    """GlobalNet and RefineNet on a backbone's pyramid of features.

    Chen et al., "Cascaded Pyramid Network for Multi-Person Pose Estimation",
    CVPR 2018, Sec. 3.2 and Fig. 1 and 2. *GlobalNet* is a feature pyramid
    that predicts heatmaps at every level, trained on all joints. *RefineNet*
    takes the pyramid through bottleneck blocks, more of them the deeper the
    level, joins the levels at the finest one's size and predicts once more,
    trained on the ``topk`` joints of each person that are hardest at the
    moment (online hard keypoint mining).

    The predicting convolutions have no norm behind them, as in MMPose's
    ``HeatmapHead``.

    Args:
        in_channels (Sequence[int]): Channels of the features, from the
            finest level (stride 4) to the coarsest. Defaults to those of
            ResNet-50, with ``out_indices=(0, 1, 2, 3)``.
        out_channels (int): Number of keypoints K. Defaults to 17.
        mid_channels (int): Channels of the pyramid. Defaults to 256.
        global_loss (Config): Loss of each of GlobalNet's L predictions.
            Defaults to ``KeypointMSELoss`` with target weights.
        refine_loss (Config): Loss of RefineNet's prediction. Defaults to
            ``KeypointOHKMMSELoss`` of the 8 hardest keypoints.
        norm_cfg (Config): Norm of all other convolutions. Defaults to BN.
        level_indices (Sequence[int], optional): Which of the heatmaps of a
            multi-level encoder each of the L + 1 predictions is trained on,
            coarsest level first, RefineNet last. Defaults to None: the
            encoder makes one heatmap for all.
        decoder (Config, optional): The codec that decodes heatmaps.
        init_cfg (Config, optional): Defaults to :attr:`default_init_cfg`.

    Raises:
        ValueError: For one level only, or another number of level indices.
    """

    def __init__(self,
                 in_channels: Sequence[int] = (256, 512, 1024, 2048),
                 out_channels: int = 17,
                 mid_channels: int = 256,
                 global_loss: OptConfigType = None,
                 refine_loss: OptConfigType = None,
                 norm_cfg: OptConfigType = None,
                 level_indices: Optional[Sequence[int]] = None,
                 decoder: OptConfigType = None,
                 init_cfg: OptConfigType = None) -> None:
        super().__init__(init_cfg or self.default_init_cfg)
        if len(in_channels) < 2:
            raise ValueError('in_channels: expected the channels of at least '
                             f'two levels, found {list(in_channels)}')
        expected = len(in_channels) + 1
        if level_indices is not None and len(level_indices) != expected:
            raise ValueError(
                f'level_indices: expected {expected}, one for each level and '
                f'one for RefineNet, found {list(level_indices)}')
        self.in_channels = tuple(in_channels)
        self.out_channels = out_channels
        self.level_indices = level_indices
        norm_cfg = deepcopy(norm_cfg or _NORM)
        self.global_net = GlobalNet(in_channels, mid_channels, out_channels,
                                    norm_cfg)
        self.refine_net = RefineNet(
            len(in_channels), mid_channels, out_channels, norm_cfg)
        self.global_loss = MMPOSE_MODELS.build(
            global_loss
            or dict(type='KeypointMSELoss', use_target_weight=True))
        self.refine_loss = MMPOSE_MODELS.build(
            refine_loss or dict(
                type='KeypointOHKMMSELoss', use_target_weight=True, topk=8))
        self.decoder = None if decoder is None else KEYPOINT_CODECS.build(
            decoder)

    @property
    def default_init_cfg(self) -> List[Dict]:
        """Kaiming for convolutions; the predicting ones start near zero."""
        return [
            dict(type='Kaiming', layer='Conv2d'),
            dict(type='Constant', layer='BatchNorm2d', val=1)
        ]

    def init_weights(self) -> None:
        """Initialise; predictions start near zero, where heatmaps are."""
        first = not self.is_init
        super().init_weights()
        if first:
            for layer in (*self.global_net.predict, self.refine_net.predict):
                normal_init(layer[-1], std=0.001)

    def forward(self, feats: Sequence[Tensor]) -> List[Tensor]:
        """Predict heatmaps, all of the finest level's size.

        Args:
            feats (Sequence[Tensor]): Features (B, C_l, h_l, w_l), the finest
                level first.

        Returns:
            list[Tensor]: L + 1 heatmaps (B, K, h_0, w_0): GlobalNet's from
            the coarsest level to the finest, then RefineNet's, the result.

        Raises:
            ValueError: For another number of levels.
        """
        if len(feats) != len(self.in_channels):
            raise ValueError(
                f'CPNHead: expected features of {len(self.in_channels)} '
                f'levels, found {len(feats)}; does the backbone have '
                'out_indices=(0, 1, 2, 3)?')
        size = feats[0].shape[-2:]
        pyramid, heatmaps = self.global_net(feats, size)
        return [*heatmaps, self.refine_net(pyramid, size)]

    def predict(self,
                feats: Features,
                batch_data_samples: OptSampleList,
                test_cfg: OptConfigType = None) -> Predictions:
        """Predict keypoints from features.

        Args:
            feats (tuple[Tensor] | list[tuple[Tensor]]): Features, or those of
                the image and of its mirror image for ``flip_test``.
            batch_data_samples (list[PoseDataSample]): B samples.
            test_cfg (dict, optional): ``flip_test``, ``flip_mode``,
                ``shift_heatmap``, ``output_heatmaps``.

        Returns:
            list[InstanceData] | tuple: Keypoints (1, K, 2) in pixels of the
            network's input and their scores (1, K) for each sample; with
            ``output_heatmaps`` also a list of ``PixelData`` with the
            heatmaps (K, h, w).
        """
        test_cfg = test_cfg or {}
        if test_cfg.get('flip_test', False):
            feats, flipped_feats = feats
            flipped = flip_heatmaps(
                self.forward(flipped_feats)[-1],
                flip_mode=test_cfg.get('flip_mode', 'heatmap'),
                flip_indices=batch_data_samples[0].metainfo['flip_indices'],
                shift_heatmap=test_cfg.get('shift_heatmap', False))
            heatmaps = (self.forward(feats)[-1] + flipped) * 0.5
        else:
            heatmaps = self.forward(feats)[-1]
        preds = self.decode(heatmaps)
        if test_cfg.get('output_heatmaps', False):
            return preds, [
                PixelData(heatmaps=heatmap) for heatmap in heatmaps.detach()
            ]
        return preds

    def loss(self,
             feats: Sequence[Tensor],
             batch_data_samples: OptSampleList,
             train_cfg: OptConfigType = None) -> Dict[str, Tensor]:
        """Losses of both nets.

        Args:
            feats (Sequence[Tensor]): Features, the finest level first.
            batch_data_samples (list[PoseDataSample]): With ``gt_fields``
                heatmaps (K, h, w) and ``gt_instance_labels``
                keypoint_weights.
            train_cfg (dict, optional): ``compute_acc=False`` leaves out
                ``acc_pose``.

        Returns:
            dict[str, Tensor]: ``loss_global``, the sum over GlobalNet's
            levels, ``loss_refine``, and ``acc_pose``, the share of keypoints
            that RefineNet has within 5 % of the heatmap's size.
        """
        *coarse, refined = self.forward(feats)
        targets, weights = self._targets(batch_data_samples)
        loss_global = sum(
            self.global_loss(heatmaps, target, weight)
            for heatmaps, target, weight in zip(coarse, targets, weights))
        losses = dict(
            loss_global=loss_global,
            loss_refine=self.refine_loss(refined, targets[-1], weights[-1]))
        if (train_cfg or {}).get('compute_acc', True):
            _, accuracy, _ = pose_pck_accuracy(
                output=to_numpy(refined),
                target=to_numpy(targets[-1]),
                mask=to_numpy(weights[-1]) > 0)
            losses['acc_pose'] = refined.new_tensor(accuracy)
        return losses

    def _targets(self,
                 samples: OptSampleList) -> Tuple[List[Tensor], List[Tensor]]:
        """Heatmaps (B, K, h, w) and weights (B, K) of the L + 1 losses."""
        weights = torch.cat(
            [sample.gt_instance_labels.keypoint_weights for sample in samples])
        count = len(self.in_channels) + 1
        if self.level_indices is None:
            target = torch.stack(
                [sample.gt_fields.heatmaps for sample in samples])
            return [target] * count, [weights] * count
        # A multi-level encoder's weights are (L', K) a sample.
        weights = weights.view(len(samples), -1, self.out_channels)
        levels = list(self.level_indices)
        targets = {
            level:
            torch.stack(
                [sample.gt_fields[level].heatmaps for sample in samples])
            for level in set(levels)
        }
        return ([targets[level]
                 for level in levels], [weights[:, level] for level in levels])


class GlobalNet(nn.Module):
    """A feature pyramid with a prediction at every level.

    Args:
        in_channels (Sequence[int]): Of the L levels, the finest first.
        mid_channels (int): Channels of the pyramid.
        out_channels (int): Number of keypoints.
        norm_cfg (Config): Norm of the convolutions.
    """

    def __init__(self, in_channels: Sequence[int], mid_channels: int,
                 out_channels: int, norm_cfg: ConfigType) -> None:
        super().__init__()
        # The coarsest level comes first, as in the forward pass.
        self.lateral = nn.ModuleList(
            ConvModule(channels, mid_channels, 1, norm_cfg=norm_cfg)
            for channels in reversed(in_channels))
        # A 1x1 convolution after each upsampling, unlike FPN (Sec. 3.2).
        self.top_down = nn.ModuleList(
            ConvModule(
                mid_channels, mid_channels, 1, norm_cfg=norm_cfg, act_cfg=None)
            for _ in in_channels[1:])
        self.predict = nn.ModuleList(
            nn.Sequential(
                ConvModule(mid_channels, mid_channels, 1, norm_cfg=norm_cfg),
                nn.Conv2d(mid_channels, out_channels, 3, padding=1))
            for _ in in_channels)

    def forward(self, feats: Sequence[Tensor], size: Size) -> tuple:
        """Pyramid and heatmaps, each a list from coarse to fine.

        Args:
            feats (Sequence[Tensor]): The finest level first.
            size (Sequence[int]): Height and width of the heatmaps.
        """
        pyramid: List[Tensor] = []
        for level, feature in enumerate(reversed(feats)):
            feature = self.lateral[level](feature)
            if pyramid:
                above = _resize(pyramid[-1], feature.shape[-2:])
                feature = feature + self.top_down[level - 1](above)
            pyramid.append(feature)
        heatmaps = [
            _resize(layer(feature), size)
            for layer, feature in zip(self.predict, pyramid)
        ]
        return pyramid, heatmaps


class RefineNet(nn.Module):
    """Bottlenecks on each level, joined at the finest level's size.

    Args:
        num_levels (int): L; the coarsest level gets L - 1 bottlenecks, the
            finest none.
        mid_channels (int): Channels of the pyramid.
        out_channels (int): Number of keypoints.
        norm_cfg (Config): Norm of the convolutions.
    """

    def __init__(self, num_levels: int, mid_channels: int, out_channels: int,
                 norm_cfg: ConfigType) -> None:
        super().__init__()
        self.cascade = nn.ModuleList(
            nn.Sequential(*(Bottleneck(mid_channels, mid_channels, norm_cfg)
                            for _ in range(num_levels - 1 - level)))
            for level in range(num_levels))
        self.predict = nn.Sequential(
            Bottleneck(num_levels * mid_channels, mid_channels, norm_cfg),
            nn.Conv2d(mid_channels, out_channels, 3, padding=1))

    def forward(self, pyramid: Sequence[Tensor], size: Size) -> Tensor:
        """Heatmaps ``(B, K, *size)`` from a pyramid, coarse to fine."""
        levels = [
            _resize(blocks(feature), size)
            for blocks, feature in zip(self.cascade, pyramid)
        ]
        return self.predict(torch.cat(levels, dim=1))


class Bottleneck(nn.Module):
    """Residual block 1x1, 3x3, 1x1 that halves the channels inside."""

    def __init__(self, in_channels: int, out_channels: int,
                 norm_cfg: ConfigType) -> None:
        super().__init__()
        mid = out_channels // 2
        self.block = nn.Sequential(
            ConvModule(in_channels, mid, 1, norm_cfg=norm_cfg),
            ConvModule(mid, mid, 3, padding=1, norm_cfg=norm_cfg),
            ConvModule(mid, out_channels, 1, norm_cfg=norm_cfg, act_cfg=None))
        self.skip: nn.Module = nn.Identity()
        if in_channels != out_channels:
            self.skip = ConvModule(
                in_channels, out_channels, 1, norm_cfg=norm_cfg, act_cfg=None)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) to (B, C', h, w)."""
        return F.relu(self.skip(x) + self.block(x))


def _resize(x: Tensor, size: Size) -> Tensor:
    if x.shape[-2:] == torch.Size(size):
        return x
    return F.interpolate(
        x, size=tuple(size), mode='bilinear', align_corners=True)
