# Copyright (c) mmdiffpose contributors. All rights reserved.
"""A whole lifter as one function of tensors: what is exported."""

from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import torch
from mmengine.structures import InstanceData
from mmpose.structures import PoseDataSample
from torch import Tensor, nn

from mmdiffpose.diffusion.aggregation import score_from_std
from mmdiffpose.diffusion.noise import GivenNoise, HypothesisNoise, NotedNoise
from mmdiffpose.models import DiffusionPoseLifter
from mmdiffpose.models.heads.parts.base import BaseLiftingHead, LiftingEstimate
from mmdiffpose.models.heads.parts.sampling import SamplingHead
from mmdiffpose.models.layers import flip_poses


class Draws(NamedTuple):
    """What a lifter draws for a window, so that a caller can draw it.

    Attributes:
        order: Channels of its normal draws in turn; 0 for a uniform one.
        num_hypotheses: N.
        share_frames: Whether one draw serves all frames.
        joint_order: Order in which the joints get their numbers, see
            :class:`~mmdiffpose.diffusion.noise.HypothesisNoise`.
    """
    order: Tuple[int, ...] = ()
    num_hypotheses: int = 1
    share_frames: bool = False
    joint_order: Optional[Sequence[int]] = None

    def make(self, seeds: Sequence[int], num_frames: int,
             num_joints: int) -> Dict[str, Tensor]:
        """The draws of windows, as the lifter itself makes them of seeds.

        Args:
            seeds (Sequence[int]): One per window, B of them.
            num_frames (int): T.
            num_joints (int): J.

        Returns:
            dict[str, Tensor]: Those that there are of ``noise``, standard
            normal, (B, N, T, J, C), and ``uniform``, from [0, 1), (B, N, T,
            J, U): all draws side by side. T is 1 where the frames share them.
        """
        noise = HypothesisNoise(
            seeds,
            self.num_hypotheses,
            1 if self.share_frames else num_frames,
            num_joints,
            joint_order=self.joint_order)
        drawn: Dict[str, List[Tensor]] = dict(noise=[], uniform=[])
        for channels in self.order:
            if channels:
                drawn['noise'].append(noise.normal(channels))
            else:
                drawn['uniform'].append(noise.uniform()[..., None])
        return {
            name: torch.cat(parts, dim=-1)
            for name, parts in drawn.items() if parts
        }


class LifterGraph(nn.Module):
    """Encoder, head and sampler of a lifter, from tensors to tensors.

    Nothing is drawn inside: the draws are inputs. Inputs are, in this order
    and as far as the lifter has them, ``keypoints`` (B, T, J, C), what the
    codec makes of 2D joints, ``mixtures`` (B, T, J, M, 5) and those of
    :class:`Draws`. Outputs are, likewise, ``poses`` (B, T, J, 3), ``scores``
    and ``std`` (B, T, J), ``std_xyz`` (B, T, J, 3), ``hypotheses`` (B, N, T,
    J, 3) and ``coarse`` (B, T, J, 3): see
    :class:`~mmdiffpose.models.heads.parts.base.LiftingEstimate`.

    It lifts the examples once, which tells what is drawn; afterwards it can
    be recorded.

    Args:
        model (nn.Module): From
            :func:`~mmdiffpose.checkpoints.model.init_model`, in evaluation.
        keypoints (Tensor): Examples, (B, T, J, C).
        mixtures (Tensor, optional): Theirs, (B, T, J, M, 5); only read where
            the head does.

    Raises:
        ValueError: For a model whose head is none of this package.
    """

    def __init__(self,
                 model: nn.Module,
                 keypoints: Tensor,
                 mixtures: Optional[Tensor] = None) -> None:
        super().__init__()
        head = getattr(model, 'head', None)
        if not isinstance(head, BaseLiftingHead):
            raise ValueError("expected a lifter with one of this package's "
                             f'heads, found {type(head).__name__}')
        self.model, self.head = model, head
        self.inputs = dict(keypoints=keypoints)
        if head.reads_mixtures:
            if mixtures is None:
                raise ValueError(f'{type(head).__name__} reads 2D mixtures '
                                 '(B, T, J, M, 5), found none')
            self.inputs['mixtures'] = mixtures
        seeds = range(len(keypoints))
        noted: List[NotedNoise] = []

        def note(*args: Any, **kwargs: Any) -> NotedNoise:
            noted.append(NotedNoise(seeds, *args, **kwargs))
            return noted[-1]

        found = self._named(self._estimate(self.inputs, note))
        self.draws = Draws()
        if noted:
            first = noted[0]
            self.draws = Draws(
                tuple(first.order), first.batch_shape[1], first.share_frames,
                first.joint_order)
        self.inputs.update(self.draws.make(seeds, *keypoints.shape[1:3]))
        self.outputs = list(found)

    def forward(self, *tensors: Tensor) -> Tuple[Tensor, ...]:
        """Inputs in their order, to outputs in theirs."""
        given = dict(zip(self.inputs, tensors))

        def make(num_hypotheses: int, num_frames: int, *args: Any,
                 **kwargs: Any) -> GivenNoise:
            order = self.draws.joint_order
            return GivenNoise(given['noise'], given.get('uniform'), num_frames,
                              0 if order is None else order[0])

        return tuple(self._named(self._estimate(given, make)).values())

    @torch.no_grad()
    def _estimate(self, given: Dict[str, Tensor],
                  make_noise: Any) -> LiftingEstimate:
        model: Any = self.model
        keypoints = given['keypoints']
        if isinstance(model, DiffusionPoseLifter):
            views = model.views(keypoints)
        else:
            views = model.extract_feat(keypoints)
            if model.test_cfg.get('flip_test', False):
                mirrored = flip_poses(keypoints, self.head.mirror())
                views = [views, model.extract_feat(mirrored)]
        samples = None
        if 'mixtures' in given:
            # One sample that holds the whole batch.
            samples = PoseDataSample(
                gt_instance_labels=InstanceData(
                    mixture_labels=given['mixtures']))
        if isinstance(self.head, SamplingHead):
            return self.head.estimate(
                views, samples, model.test_cfg, noise=make_noise)
        return self.head.estimate(views, samples, model.test_cfg)

    @staticmethod
    def _named(estimate: LiftingEstimate) -> Dict[str, Tensor]:
        named = dict(estimate._asdict(), scores=score_from_std(estimate.std))
        order = ('poses', 'scores', 'std', 'std_xyz', 'hypotheses', 'coarse')
        return {name: named[name] for name in order if named[name] is not None}
