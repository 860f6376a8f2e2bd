# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What all lifting heads share."""

import logging
from abc import abstractmethod
from typing import Any, List, NamedTuple, Optional, Sequence, Tuple

import torch
from mmengine.logging import print_log
from mmengine.structures import BaseDataElement, InstanceData
from mmpose.models.heads.base_head import BaseHead
from mmpose.registry import KEYPOINT_CODECS
from torch import Tensor

from mmdiffpose.codecs.point_mixtures import mixtures_of_points
from mmdiffpose.diffusion.aggregation import score_from_std
from mmdiffpose.models.layers import (ChebConv, PreAggregatedGraphLayer,
                                      flip_mixtures, flip_poses)
from mmdiffpose.skeletons import H36M_17, Skeleton, as_skeleton
from mmdiffpose.skeletons.metainfo import SkeletonLike
from mmdiffpose.skeletons.score_width import SCORE_SIGMA

__all__ = [
    'UNMEASURED_STD', 'BaseLiftingHead', 'LiftingContext', 'LiftingEstimate',
    'flip_mixtures', 'flip_poses', 'pack_predictions', 'split_views',
    'stack_labels', 'stack_mixtures'
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
        mirror: Of windows in a mirror, the joint that takes each joint's
            place there; None for what the head knows.
        points: The 2D joints themselves, (B, T, J, 2), screen-normalised.
    """
    features: Tensor
    coarse: Optional[Tensor]
    residual_std: Optional[Tensor]
    seen: Optional[Tensor] = None
    mean: Optional[Tensor] = None
    std: Optional[Tensor] = None
    mirror: Optional[Tuple[int, ...]] = None
    points: Optional[Tensor] = None

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
        num_joints (int, optional): Number of joints J. Defaults to the
            skeleton's.
        root_index (int, optional): The root joint. Defaults to the
            skeleton's.
        decoder (dict, optional): The codec.
        init_cfg (dict, optional): Initialisation config.
        skeleton (str | dict | Skeleton, optional): The joints, with bones,
            left and right. Defaults to Human3.6M-17 where the numbers are its
            own; else they are not known, and the samples have to say what a
            mirror exchanges.

    Raises:
        ValueError: Where the numbers are not the skeleton's.
    """

    reads_mixtures: bool = False
    normalized_context: bool = False
    works_without_coarse: bool = False

    def __init__(self,
                 num_joints: Optional[int] = None,
                 root_index: Optional[int] = None,
                 decoder: Optional[dict] = None,
                 init_cfg: Optional[dict] = None,
                 skeleton: Optional[SkeletonLike] = None) -> None:
        super().__init__(init_cfg=init_cfg)
        self.skeleton: Optional[Skeleton] = None
        if skeleton is not None:
            self.skeleton = as_skeleton(skeleton)
        elif num_joints in (None, 17) and root_index in (None, 0):
            self.skeleton = H36M_17
        known = self.skeleton
        for name, value, own in (('num_joints', num_joints, known
                                  and known.num_joints),
                                 ('root_index', root_index, known
                                  and known.root)):
            if known and value not in (None, own):
                raise ValueError(
                    f'{type(self).__name__}.{name} is {value}, but its '
                    f'skeleton {known.name} has {own}')
        self.num_joints: int = known.num_joints if known else num_joints or 17
        self.root_index: int = known.root if known else root_index or 0
        self.flip_indices: Optional[Tuple[int, ...]] = (
            known.flip_indices if known else None)
        self._warned_of_mirror = False
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
                 feats: Any) -> Optional[Tensor]:
        """2D mixtures (B, T, J, M, 5) where the head reads them: those of the
        samples; without samples those of the windows' own points, as if all
        that was seen had the score 1."""
        if not self.reads_mixtures:
            return None
        if data_samples is not None:
            return stack_mixtures(data_samples, feats[0])
        points = getattr(feats, 'points', None)
        if points is None:
            return None
        seen = (
            points.new_ones(points.shape[:-1])
            if feats.seen is None else feats.seen)
        sigma = getattr(self.decoder, 'score_sigma', SCORE_SIGMA)
        return mixtures_of_points(points, seen > 0, sigma[0])

    @property
    def draw_order(self) -> List[int]:
        """Joints in the order in which they get their noise."""
        if self.skeleton is None:
            return list(range(self.num_joints))
        return list(self.skeleton.draw_order)

    def mirror(self, order: Optional[Sequence[int]] = None) -> Tuple[int, ...]:
        """Joint that takes each joint's place in a mirror.

        Args:
            order (Sequence[int], optional): Where it is already known.

        Raises:
            ValueError: Where neither that nor the skeleton says it.
        """
        if order is not None:
            return tuple(order)
        if self.flip_indices is None:
            raise ValueError(
                f'{type(self).__name__} has {self.num_joints} joints and does '
                'not know their left and right: name the skeleton, or let '
                "samples say it ('flip_indices' in meta_keys of "
                'PackPoseInputs)')
        return self.flip_indices

    def mirror_order(self,
                     data_samples: Optional[Sequence] = None
                     ) -> Tuple[int, ...]:
        """:meth:`mirror`, as the samples of a batch say it.

        Their data set knows its left and right, as in MMPose. Where it is not
        what the model was built for, a graph would be another one, too.

        Args:
            data_samples (list[PoseDataSample], optional): With
                ``flip_indices`` in their metainfo, or without.

        Raises:
            ValueError: Where nothing says it, or a graph contradicts it.
        """
        given = None
        if data_samples is not None and not isinstance(data_samples,
                                                       BaseDataElement):
            given = data_samples[0].metainfo.get('flip_indices')
        if given is None:
            return self.mirror()
        given = tuple(int(i) for i in given)
        if len(given) != self.num_joints:
            raise ValueError(f'samples have flip_indices of {len(given)} '
                             f'joints, the model has {self.num_joints}')
        if self.flip_indices not in (None, given):
            self._check_mirror(given)
        return given

    def _check_mirror(self, given: Tuple[int, ...]) -> None:
        graphs = [
            type(module).__name__ for module in self.modules()
            if isinstance(module, (ChebConv, PreAggregatedGraphLayer))
        ]
        message = (
            f"the data set's left and right, flip_indices {list(given)}, are "
            f'not those that the model was built for, '
            f'{list(self.flip_indices or ())}')
        if graphs:
            raise ValueError(f'{message}: {graphs[0]} has the bones of '
                             'another skeleton')
        if not self._warned_of_mirror:
            self._warned_of_mirror = True
            print_log(
                f"{message}. The data set's are taken: the weights should be "
                'of its joints',
                logger='current',
                level=logging.WARNING)

    def average_views(self,
                      poses: Tensor,
                      mirrored: Optional[Tensor],
                      order: Optional[Sequence[int]] = None) -> Tensor:
        """Mean of poses (..., J, 3) and those of the mirror image.

        Args:
            poses (Tensor): Of the windows, metres.
            mirrored (Tensor, optional): Of their mirror images, as seen
                there. Without it the poses go through.
            order (Sequence[int], optional): See :meth:`mirror`.
        """
        if mirrored is None:
            return poses
        return (poses + flip_poses(mirrored, self.mirror(order))) / 2

    def flip_mixtures(
            self,
            mixtures: Optional[Tensor],
            order: Optional[Sequence[int]] = None) -> Optional[Tensor]:
        """2D mixtures (B, T, J, M, 5) of the mirror images."""
        if mixtures is None:
            return None
        return flip_mixtures(mixtures, self.mirror(order))

    def average_coarse(self, feats: Any, mirrored: Any) -> Optional[Tensor]:
        """The context encoder's poses (B, T, J, 3), of both views' mean."""
        if not isinstance(feats, LiftingContext) or feats.coarse is None:
            return None
        if mirrored is None:
            return feats.coarse
        return self.average_views(feats.coarse, mirrored.coarse,
                                  mirrored.mirror)

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
                them all that was seen has the score 1, and windows are of one
                unnamed clip.
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
        """What :meth:`estimate` says, in the form of
        :func:`pack_predictions`.

        Args:
            feats (LiftingContext | list[LiftingContext]): As there.
            batch_data_samples (list[PoseDataSample]): B of them.
            test_cfg (dict, optional): As there.
        """
        estimate = self.estimate(feats, batch_data_samples, test_cfg)
        return pack_predictions(estimate, batch_data_samples)


def pack_predictions(estimate: LiftingEstimate,
                     data_samples: Sequence) -> List[InstanceData]:
    """Predictions as one ``InstanceData`` per window.

    A sample whose metainfo names a ``target_frame`` (MMPose's inferencer
    asks for one frame per window) gets that frame only.

    Args:
        estimate (LiftingEstimate): Of B windows.
        data_samples (list[PoseDataSample]): B of them.

    Returns:
        list[InstanceData]: With ``keypoints`` (T, J, 3), ``keypoint_scores``
        (T, J), ``keypoint_std`` (T, J) and, where given, ``hypotheses``
        (T, N, J, 3), ``coarse_keypoints`` (T, J, 3) and ``keypoint_std_xyz``
        (T, J, 3).
    """
    fields = dict(
        keypoints=estimate.poses,
        keypoint_scores=score_from_std(estimate.std),
        keypoint_std=estimate.std)
    if estimate.hypotheses is not None:
        fields['hypotheses'] = estimate.hypotheses.transpose(1, 2)
    if estimate.coarse is not None:
        fields['coarse_keypoints'] = estimate.coarse
    if estimate.std_xyz is not None:
        fields['keypoint_std_xyz'] = estimate.std_xyz
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
