# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What all lifting heads share."""

from typing import List, NamedTuple, Optional, Sequence

import torch
from mmengine.structures import BaseDataElement, InstanceData
from mmpose.models.heads.base_head import BaseHead
from mmpose.registry import KEYPOINT_CODECS
from torch import Tensor

from mmdiffpose.diffusion.aggregation import score_from_std
from mmdiffpose.skeletons import H36M_17


class LiftingContext(NamedTuple):
    """What the context encoder knows about a window.

    Attributes:
        features: f_ST, shape (B, T, J, C).
        coarse: The encoder's own poses, shape (B, T, J, 3), root-relative
            metres; the depth prior. None where the encoder has none (the
            identity).
        residual_std: Std of the coarse poses' error per joint and axis on
            people that the encoder has not seen, shape (J, 3), metres; None
            without coarse poses.
    """
    features: Tensor
    coarse: Optional[Tensor]
    residual_std: Optional[Tensor]


def flip_poses(poses: Tensor) -> Tensor:
    """Mirror 2D or 3D poses (..., J, C): negate x, swap left and right."""
    flipped = poses[..., list(H36M_17.flip_indices), :].clone()
    flipped[..., 0] *= -1
    return flipped


def flip_mixtures(mixtures: Tensor) -> Tensor:
    """Mirror normalised 2D mixtures (..., J, M, 5)."""
    flipped = mixtures[..., list(H36M_17.flip_indices), :, :].clone()
    flipped[..., 1] *= -1
    return flipped


def stack_labels(data_samples: Sequence, name: str, like: Tensor) -> Tensor:
    """Stack a label of all samples, (B, T, ...), on ``like``'s device.

    Where the samples are one sample that holds a whole batch, as those of
    :class:`~mmdiffpose.datasets.MocapViewDataset`, its label is taken as it
    is.

    Raises:
        ValueError: Where a sample has no such label.
    """
    whole = isinstance(data_samples, BaseDataElement)
    for sample in [data_samples] if whole else data_samples:
        if name not in sample.gt_instance_labels:
            raise ValueError(
                f'a data sample has no label {name!r}, only '
                f'{list(sample.gt_instance_labels.keys())}; the pipeline '
                'should end with GenerateTarget(encoder='
                "dict(type='mmdiffpose.GMMDiffusionPose')) and "
                'PackPoseInputs')
    if whole:
        return data_samples.gt_instance_labels[name].to(like)
    return torch.stack(
        [sample.gt_instance_labels[name] for sample in data_samples]).to(like)


def stack_mixtures(data_samples: Sequence, like: Tensor) -> Tensor:
    """The samples' 2D mixtures, (B, T, J, M, 5), see ``GMMDiffusionPose``."""
    return stack_labels(data_samples, 'mixture_labels', like)


class BaseLiftingHead(BaseHead):
    """Targets, losses and predictions of a lifting head.

    Attributes:
        normalized_context: Whether the context is what the coarse head's
            linear layer sees, behind its LayerNorm.
        works_without_coarse: Whether the context encoder may have no pose of
            its own.

    Args:
        num_joints (int): Number of joints J.
        root_index (int): The root joint.
        decoder (dict, optional): The codec.
        init_cfg (dict, optional): Initialisation config.
    """

    normalized_context = False
    works_without_coarse = False

    def __init__(self,
                 num_joints: int = 17,
                 root_index: int = 0,
                 decoder: Optional[dict] = None,
                 init_cfg: Optional[dict] = None) -> None:
        super().__init__(init_cfg=init_cfg)
        self.num_joints = num_joints
        self.root_index = root_index
        self.decoder = (None
                        if decoder is None else KEYPOINT_CODECS.build(decoder))

    def to_root_relative(self, poses: Tensor) -> Tensor:
        """Subtract the root joint from poses (..., J, 3)."""
        root = self.root_index
        return poses - poses[..., root:root + 1, :]

    def pack(self,
             poses: Tensor,
             std: Tensor,
             data_samples: Sequence,
             hypotheses: Optional[Tensor] = None,
             coarse: Optional[Tensor] = None) -> List[InstanceData]:
        """Predictions as one ``InstanceData`` per window.

        A sample whose metainfo names a ``target_frame`` (MMPose's inferencer
        asks for one frame per window) gets that frame only.

        Args:
            poses (Tensor): (B, T, J, 3), root-relative metres.
            std (Tensor): Predictive std per axis, (B, T, J), metres.
            data_samples (list[PoseDataSample]): B of them.
            hypotheses (Tensor, optional): (B, N, T, J, 3), metres.
            coarse (Tensor, optional): (B, T, J, 3), metres.

        Returns:
            list[InstanceData]: With ``keypoints`` (T, J, 3),
            ``keypoint_scores`` (T, J), ``keypoint_std`` (T, J) and, where
            given, ``hypotheses`` (T, N, J, 3) and ``coarse_keypoints``
            (T, J, 3).
        """
        fields = dict(
            keypoints=poses,
            keypoint_scores=score_from_std(std),
            keypoint_std=std)
        if hypotheses is not None:
            fields['hypotheses'] = hypotheses.transpose(1, 2)
        if coarse is not None:
            fields['coarse_keypoints'] = coarse
        packed = []
        for i, sample in enumerate(data_samples):
            frame = sample.metainfo.get('target_frame')
            frames = slice(None) if frame is None else slice(frame, frame + 1)
            packed.append(
                InstanceData(
                    **{
                        name: value[i, frames].cpu().numpy()
                        for name, value in fields.items()
                    }))
        return packed
