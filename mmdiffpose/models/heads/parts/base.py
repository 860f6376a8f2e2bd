# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What all lifting heads share."""

from abc import abstractmethod
from typing import Any, List, NamedTuple, Optional, Sequence, Tuple

import torch
from mmengine.structures import BaseDataElement, InstanceData
from mmpose.models.heads.base_head import BaseHead
from mmpose.registry import KEYPOINT_CODECS
from torch import Tensor

from mmdiffpose.diffusion.aggregation import score_from_std
from mmdiffpose.models.layers import flip_mixtures, flip_poses
from mmdiffpose.skeletons import H36M_17

__all__ = [
    'UNMEASURED_STD', 'BaseLiftingHead', 'LiftingContext', 'LiftingEstimate',
    'flip_mixtures', 'flip_poses', 'split_views', 'stack_labels',
    'stack_mixtures'
]

UNMEASURED_STD = 0.1
"""Std of a pose's error per axis, metres, until it is measured."""


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
        seen: Whether a joint was seen, (B, T, J), 1 or 0, where the input has
            the codec's mask channel; else None.
        mean: What a head that regresses before it samples has made of it,
            (B, T, J, 3), root-relative metres; see ``SamplingHead.prepare``.
        std: How far off that is, (B, T, J, 3), metres.
    """
    features: Tensor
    coarse: Optional[Tensor]
    residual_std: Optional[Tensor]
    seen: Optional[Tensor] = None
    mean: Optional[Tensor] = None
    std: Optional[Tensor] = None

    def known_coarse(self) -> Tensor:
        """The coarse poses, for heads that can't do without.

        Raises:
            ValueError: Where the encoder has none.
        """
        if self.coarse is None:
            raise ValueError('this head starts from the poses of a context '
                             'encoder, which has none: it needs a coarse head')
        return self.coarse

    def known_pose(self) -> Tuple[Tensor, Tensor]:
        """The best pose before any sampling, and how far off it may be.

        Returns:
            tuple[Tensor, Tensor]: What a head has regressed, (B, T, J, 3)
            both; else the coarse poses and their std, (J, 3); metres.

        Raises:
            ValueError: Where there is neither.
        """
        if self.mean is not None and self.std is not None:
            return self.mean, self.std
        return self.known_coarse(), self.known_std()

    def known_std(self) -> Tensor:
        """The coarse poses' residual std, for heads that can't do without.

        Raises:
            ValueError: Where the encoder has no poses.
        """
        if self.residual_std is None:
            raise ValueError('this head needs the residual std of a context '
                             "encoder's poses, which has none")
        return self.residual_std


class LiftingEstimate(NamedTuple):
    """What a head says of B windows.

    Attributes:
        poses: (B, T, J, 3), root-relative metres.
        std: Predictive std per axis, (B, T, J), metres.
        hypotheses: (B, N, T, J, 3), root-relative metres; None from heads
            that have but one pose.
        coarse: The context encoder's poses, (B, T, J, 3), root-relative
            metres; None where it has none.
        std_xyz: Predictive std along x, y and z, (B, T, J, 3), metres, whose
            root mean square is ``std``; None where the head doesn't know.
    """
    poses: Tensor
    std: Tensor
    hypotheses: Optional[Tensor] = None
    coarse: Optional[Tensor] = None
    std_xyz: Optional[Tensor] = None


def split_views(views: Any) -> Tuple[Any, Any]:
    """What a head gets of the windows, and of their mirror images.

    MMPose's lifters hand a head a list of both where they test with flips,
    else the former alone; then the latter is None here.
    """
    if isinstance(views, list):
        plain, mirrored = views
        return plain, mirrored
    return views, None


def has_label(data_samples: Sequence, name: str) -> bool:
    """Whether samples, or the one that holds a batch, have a label."""
    whole = isinstance(data_samples, BaseDataElement)
    samples: Sequence = [data_samples] if whole else data_samples
    return name in samples[0].gt_instance_labels


def stack_labels(data_samples: Sequence, name: str, like: Tensor) -> Tensor:
    """Stack a label of all samples, (B, T, ...), on ``like``'s device.

    Where the samples are one sample that holds a whole batch, as those of
    :class:`~mmdiffpose.datasets.MocapViewDataset`, its label is taken as it
    is.

    Raises:
        ValueError: Where a sample has no such label.
    """
    whole = isinstance(data_samples, BaseDataElement)
    samples: Sequence = [data_samples] if whole else data_samples
    for sample in samples:
        if name not in sample.gt_instance_labels:
            raise ValueError(
                f'a data sample has no label {name!r}, only '
                f'{list(sample.gt_instance_labels.keys())}; the pipeline '
                'should end with GenerateTarget(encoder='
                "dict(type='mmdiffpose.GMMDiffusionPose')) and "
                'PackPoseInputs')
    labels = [sample.gt_instance_labels[name] for sample in samples]
    return (labels[0] if whole else torch.stack(labels)).to(like)


def stack_mixtures(data_samples: Sequence, like: Tensor) -> Tensor:
    """The samples' 2D mixtures, (B, T, J, M, 5), see ``GMMDiffusionPose``."""
    return stack_labels(data_samples, 'mixture_labels', like)


class BaseLiftingHead(BaseHead):
    """What all lifting heads have in common.

    A head's own part is ``loss``, and ``estimate``, from which its
    predictions are packed. Most heads are one of
    :class:`~mmdiffpose.models.heads.parts.regressing.RegressingHead` and
    :class:`~mmdiffpose.models.heads.parts.sampling.SamplingHead`.

    Attributes:
        reads_mixtures: Whether the head reads the 2D mixtures.
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

    reads_mixtures: bool = False
    normalized_context: bool = False
    works_without_coarse: bool = False

    def __init__(self,
                 num_joints: int = 17,
                 root_index: int = 0,
                 decoder: Optional[dict] = None,
                 init_cfg: Optional[dict] = None) -> None:
        super().__init__(init_cfg=init_cfg)
        self.num_joints = num_joints
        self.root_index = root_index
        self.flip_indices: Tuple[int, ...] = tuple(H36M_17.flip_indices)
        self.decoder = (None
                        if decoder is None else KEYPOINT_CODECS.build(decoder))

    def to_root_relative(self, poses: Tensor) -> Tensor:
        """Subtract the root joint from poses (..., J, 3)."""
        root = self.root_index
        return poses - poses[..., root:root + 1, :]

    def targets(self,
                data_samples: Sequence,
                like: Tensor,
                guess: Optional[Tensor] = None) -> Tuple[Tensor, Tensor]:
        """Root-relative poses to learn from (B, T, J, 3), metres, and what
        they weigh (B, T, J), on ``like``'s device.

        Args:
            data_samples (Sequence): PoseDataSamples of B windows.
            like (Tensor): Of the device.
            guess (Tensor, optional): Poses (B, T, J, 3) whose joints stand in
                for those of weight 0, for heads that show the network the
                target with noise: an unknown joint should look like one.

        Raises:
            ValueError: Where a sample has none.
        """
        target = stack_labels(data_samples, 'lifting_target_label', like)
        weight = stack_labels(data_samples, 'lifting_target_weight', like)
        if has_label(data_samples, 'keypoint_weights'):
            weight = weight * stack_labels(data_samples, 'keypoint_weights',
                                           like)
        if guess is not None:
            target = torch.where(weight[..., None] > 0, target, guess.detach())
        return target, weight

    def mixtures(self, data_samples: Optional[Sequence],
                 like: Tensor) -> Optional[Tensor]:
        """2D mixtures (B, T, J, M, 5) where the head reads them and there are
        samples that have them."""
        if data_samples is None or not self.reads_mixtures:
            return None
        return stack_mixtures(data_samples, like)

    def average_views(self, poses: Tensor,
                      mirrored: Optional[Tensor]) -> Tensor:
        """Mean of poses (..., J, 3) and those of the mirror image.

        Args:
            poses (Tensor): Of the windows, metres.
            mirrored (Tensor, optional): Of their mirror images, as seen
                there. Without it the poses go through.
        """
        if mirrored is None:
            return poses
        return (poses + flip_poses(mirrored, self.flip_indices)) / 2

    def flip_mixtures(self, mixtures: Optional[Tensor]) -> Optional[Tensor]:
        """2D mixtures (B, T, J, M, 5) of the mirror images."""
        if mixtures is None:
            return None
        return flip_mixtures(mixtures, self.flip_indices)

    def average_coarse(self, feats: Any, mirrored: Any) -> Optional[Tensor]:
        """The context encoder's poses (B, T, J, 3), of both views' mean."""
        if not isinstance(feats, LiftingContext) or feats.coarse is None:
            return None
        return self.average_views(
            feats.coarse, None if mirrored is None else mirrored.coarse)

    @abstractmethod
    def estimate(self,
                 feats: Any,
                 data_samples: Optional[Sequence] = None,
                 test_cfg: Optional[dict] = None) -> LiftingEstimate:
        """Poses and how far off they may be, on the device.

        Args:
            feats (LiftingContext | list[LiftingContext]): Of B windows; of
                their mirror images, too, where the lifter tests with flips.
            data_samples (list[PoseDataSample], optional): B of them. Without
                them there are no 2D mixtures, and windows are of one unnamed
                clip.
            test_cfg (dict, optional): The model's.

        Returns:
            LiftingEstimate: Of B windows; each window's own, whatever else is
            in the batch.
        """

    def forward(self,
                feats: Any,
                data_samples: Optional[Sequence] = None,
                test_cfg: Optional[dict] = None) -> Tensor:
        """Poses (B, T, J, 3), root-relative metres; see :meth:`estimate`."""
        return self.estimate(feats, data_samples, test_cfg).poses

    def predict(self,
                feats: Any,
                batch_data_samples: Sequence,
                test_cfg: Optional[dict] = None) -> List[InstanceData]:
        """What :meth:`estimate` says, in the form of :meth:`pack`.

        Args:
            feats (LiftingContext | list[LiftingContext]): As there.
            batch_data_samples (list[PoseDataSample]): B of them.
            test_cfg (dict, optional): As there.
        """
        estimate = self.estimate(feats, batch_data_samples, test_cfg)
        return self.pack(estimate.poses, estimate.std, batch_data_samples,
                         estimate.hypotheses, estimate.coarse,
                         estimate.std_xyz)

    def pack(self,
             poses: Tensor,
             std: Tensor,
             data_samples: Sequence,
             hypotheses: Optional[Tensor] = None,
             coarse: Optional[Tensor] = None,
             std_xyz: Optional[Tensor] = None) -> List[InstanceData]:
        """Predictions as one ``InstanceData`` per window.

        A sample whose metainfo names a ``target_frame`` (MMPose's inferencer
        asks for one frame per window) gets that frame only.

        Args:
            poses (Tensor): (B, T, J, 3), root-relative metres.
            std (Tensor): Predictive std per axis, (B, T, J), metres.
            data_samples (list[PoseDataSample]): B of them.
            hypotheses (Tensor, optional): (B, N, T, J, 3), metres.
            coarse (Tensor, optional): (B, T, J, 3), metres.
            std_xyz (Tensor, optional): Along x, y and z, (B, T, J, 3),
                metres.

        Returns:
            list[InstanceData]: With ``keypoints`` (T, J, 3),
            ``keypoint_scores`` (T, J), ``keypoint_std`` (T, J) and, where
            given, ``hypotheses`` (T, N, J, 3), ``coarse_keypoints`` (T, J, 3)
            and ``keypoint_std_xyz`` (T, J, 3).
        """
        fields = dict(
            keypoints=poses,
            keypoint_scores=score_from_std(std),
            keypoint_std=std)
        if hypotheses is not None:
            fields['hypotheses'] = hypotheses.transpose(1, 2)
        if coarse is not None:
            fields['coarse_keypoints'] = coarse
        if std_xyz is not None:
            fields['keypoint_std_xyz'] = std_xyz
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
