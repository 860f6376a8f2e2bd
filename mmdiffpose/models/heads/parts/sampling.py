# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Base of the heads that sample hypotheses of the pose."""

import difflib
from abc import abstractmethod
from functools import partial
from typing import Any, Dict, List, Mapping, Optional, Sequence

import torch
from mmengine.structures import BaseDataElement
from torch import Tensor

from mmdiffpose.diffusion.aggregation import spread, std_per_axis
from mmdiffpose.diffusion.noise import (HypothesisNoise, NoiseMaker, Seeds,
                                        seed_from)
from mmdiffpose.diffusion.samplers import Callback
from mmdiffpose.diffusion.sampling import SAMPLERS
from mmdiffpose.models.layers import HostValue
from mmdiffpose.skeletons.metainfo import SkeletonLike
from .aggregating import AGGREGATIONS, aggregate
from .base import (UNMEASURED_STD, BaseLiftingHead, LiftingContext,
                   LiftingEstimate, split_views)
from .std_calibration import StdCalibration

EVERY = slice(None)
LIFTER_KEYS = frozenset({'flip_test', 'output_keypoint_indices'})
"""Keys of ``test_cfg`` that the lifter reads."""


def sampling_options(test_cfg: Optional[dict],
                     defaults: Mapping[str, Any]) -> Dict[str, Any]:
    """What ``test_cfg`` says of a head's own keys.

    Args:
        test_cfg (dict, optional): The model's.
        defaults (Mapping): All keys that the head reads.

    Raises:
        ValueError: For a key that nothing reads, or a value that it can't
            have.
    """
    test_cfg = dict(test_cfg or {})
    known = {*defaults, *LIFTER_KEYS}
    unknown = sorted(set(test_cfg) - known)
    if unknown:
        near = difflib.get_close_matches(unknown[0], sorted(known), 1, .5)
        hint = f', did you mean {near[0]}?' if near else ''
        raise ValueError('model.test_cfg has keys that nothing reads: '
                         f'{unknown}{hint}; known are {sorted(known)}')
    for key, value in test_cfg.items():
        _check_value(key, value, defaults.get(key))
    return {key: test_cfg[key] for key in defaults if key in test_cfg}


_LEAST = dict(num_hypotheses=1, num_sampling_steps=1)
_CHOICES: Dict[str, Sequence[str]] = dict(
    sampler=SAMPLERS, aggregation=AGGREGATIONS)


def _check_value(key: str, value: Any, default: Any) -> None:
    """Raise unless a key of ``test_cfg`` may have a value."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    expected, fits = '', True
    if key in _CHOICES:
        expected = f'one of {list(_CHOICES[key])}'
        fits = value in _CHOICES[key]
    elif key == 'clip':
        expected = 'None or a number above 0'
        fits = value is None or (number and value > 0)
    elif isinstance(default, bool) or key == 'flip_test':
        expected, fits = 'True or False', isinstance(value, bool)
    elif isinstance(default, int):
        least = _LEAST.get(key, 0)
        expected = f'a whole number from {least} on'
        fits = number and value >= least and value == int(value)
    elif isinstance(default, float):
        expected = 'a number, 0 or more'
        fits = number and 0 <= value < float('inf')
    if not fits:
        raise ValueError(f'model.test_cfg.{key} should be {expected}, got '
                         f'{value!r}')


def clip_seeds(seed: int, data_samples: Optional[Sequence],
               num_windows: int) -> List[int]:
    """A seed per window from its clip's name and its camera's.

    Windows of one clip share their noise, so that a hypothesis stays the same
    hypothesis across windows.

    Args:
        seed (int): The caller's.
        data_samples (Sequence, optional): PoseDataSamples of the windows.
            Without them all are of one clip without a name.
        num_windows (int): B.

    Returns:
        list[int]: B seeds.
    """
    if data_samples is None:
        return [seed_from(seed, '', '')] * num_windows
    return [
        seed_from(seed, sample.metainfo.get('clip', ''),
                  sample.metainfo.get('camera', '')) for sample in data_samples
    ]


class SamplingHead(BaseLiftingHead):
    """A head with N hypotheses, which are samples of the pose.

    A subclass says how they are drawn (:meth:`reverse`) and how the network
    is trained (``loss``, with the noise of :meth:`training_noise`), and names
    the keys of ``test_cfg`` that it reads. It may choose another pose from
    its hypotheses (:meth:`aggregate`) or another std
    (:meth:`predictive_std`). Flips, seeds, the calibration of the std and the
    form of the predictions are the same in all such heads.

    Attributes:
        test_defaults: All keys of ``test_cfg`` that the head reads, with
            their defaults: ``num_hypotheses`` and ``seed``; ``share_frames``
            (one draw of noise for all frames of a window) and what
            :meth:`reverse` needs.
        iteration: Training iterations so far, a buffer: noise differs between
            them, and a resumed run draws what an uninterrupted one would
            have drawn.
    """

    test_defaults: Mapping[str, Any]
    iteration: Tensor

    def __init__(self,
                 num_joints: Optional[int] = None,
                 root_index: Optional[int] = None,
                 decoder: Optional[dict] = None,
                 init_cfg: Optional[dict] = None,
                 skeleton: Optional[SkeletonLike] = None) -> None:
        super().__init__(num_joints, root_index, decoder, init_cfg, skeleton)
        self.register_buffer('iteration', torch.tensor(0))
        self._iteration = HostValue(0)
        self.std_calibration = StdCalibration(self.num_joints)

    def check_test_cfg(self, test_cfg: Optional[dict]) -> Dict[str, Any]:
        """What a model's ``test_cfg`` says of this head's keys.

        Raises:
            ValueError: For a key that nothing reads, or a value that it
                can't have.
        """
        return sampling_options(test_cfg, self.test_defaults)

    def prepare(self, context: LiftingContext) -> LiftingContext:
        """What is worked out once for a window, before its hypotheses."""
        return context

    @abstractmethod
    def reverse(self, context: LiftingContext, mixtures: Optional[Tensor],
                noise: HypothesisNoise, options: Mapping[str, Any],
                callback: Optional[Callback]) -> Tensor:
        """Run the reverse process.

        Args:
            context (LiftingContext): Of B windows.
            mixtures (Tensor, optional): 2D mixtures (B, T, J, M, 5), where
                there are any and the head has ``reads_mixtures``.
            noise (HypothesisNoise): All that is random, (B, N, T, J).
            options (Mapping): ``test_defaults`` and what replaces them.
            callback (Callable, optional): See ``diffusion.samplers``.

        Returns:
            Tensor: (B, N, T, J, 3), metres.
        """

    def training_noise(self,
                       data_samples: Sequence,
                       like: Tensor,
                       num_hypotheses: int = 1,
                       windows: slice = EVERY) -> HypothesisNoise:
        """Noise of one more training iteration.

        It differs between iterations, and depends on a window's id, not on
        the batch or the process that the window is in.

        Args:
            data_samples (list[PoseDataSample]): B of them, or one that holds
                them all and their ``ids``.
            like (Tensor): (B, T, J, ...), of ``windows`` alone.
            num_hypotheses (int): N. Defaults to 1.
            windows (slice): Which of the samples. Defaults to all.
        """
        count = self._iteration.read(self.iteration)
        self._iteration.write(self.iteration, count + 1)
        if isinstance(data_samples, BaseDataElement):
            ids = data_samples.metainfo['ids']
        else:
            ids = [
                sample.metainfo.get('id', i)
                for i, sample in enumerate(data_samples)
            ]
        seeds = [seed_from(count, i) for i in ids[windows]]
        return window_noise(
            seeds, num_hypotheses, like, joint_order=self.draw_order)

    @torch.no_grad()
    def sample(self,
               context: LiftingContext,
               mixtures: Optional[Tensor] = None,
               seeds: Optional[Seeds] = None,
               callback: Optional[Callback] = None,
               **options: Any) -> Tensor:
        """Draw hypotheses of B windows.

        Args:
            context (LiftingContext): Of B windows.
            mixtures (Tensor, optional): 2D mixtures (B, T, J, M, 5).
            seeds (Sequence[int] | callable, optional): One seed per window,
                or what makes their noise. Defaults to 0..B-1.
            callback (Callable, optional): See ``diffusion.samplers``.
            **options: Values other than ``test_defaults``.

        Returns:
            Tensor: (B, N, T, J, 3), root-relative metres.
        """
        used = {**self.test_defaults, **options}
        noise = window_noise(
            range(len(context.features)) if seeds is None else seeds,
            used['num_hypotheses'], context.features,
            used.get('share_frames', False), self.draw_order)
        return self.to_root_relative(
            self.reverse(
                self.prepare(context), mixtures, noise, used, callback))

    def sample_views(self, context: LiftingContext,
                     mirrored: Optional[LiftingContext],
                     mixtures: Optional[Tensor], seeds: Seeds,
                     options: Mapping[str, Any]) -> Tensor:
        """Hypotheses (B, N, T, J, 3), each the mean of both views' with the
        same noise, where the lifter tests with flips."""
        hypotheses = self.sample(context, mixtures, seeds, **options)
        other = None
        if mirrored is not None:
            other = self.sample(mirrored,
                                self.flip_mixtures(mixtures, mirrored.mirror),
                                seeds, **options)
        return self.average_views(hypotheses, other, mirrored
                                  and mirrored.mirror)

    def aggregate(self, hypotheses: Tensor, context: LiftingContext,
                  data_samples: Optional[Sequence],
                  options: Mapping[str, Any]) -> Tensor:
        """One pose (B, T, J, 3) from all: their mean, or as the option
        ``aggregation`` says."""
        return aggregate(hypotheses, data_samples,
                         options.get('aggregation', 'mean'))

    def predictive_std(self, hypotheses: Tensor, context: LiftingContext,
                       options: Mapping[str, Any]) -> Tensor:
        """Std per axis of the pose's error, (B, T, J), metres.

        The hypotheses' spread, calibrated where the checkpoint has a
        calibration. One hypothesis has no spread: its std is the context
        encoder's, or, as for an encoder that is not measured yet, 0.1 m.
        """
        if hypotheses.shape[1] > 1:
            return self.std_calibration(spread(hypotheses), options)
        shape = hypotheses[:, 0].shape[:-1]
        if context.residual_std is None:
            return hypotheses.new_full(shape, UNMEASURED_STD)
        return std_per_axis(context.residual_std).expand(shape)

    def predictive_shape(self, hypotheses: Tensor, context: LiftingContext,
                         options: Mapping[str, Any]) -> Tensor:
        """How the std is divided among x, y and z, (B, T, J, 3), in any unit.

        That of the hypotheses, or of the context encoder's residual where
        there is but one; all alike where neither is known.
        """
        if hypotheses.shape[1] > 1:
            return hypotheses.std(dim=1)
        if context.residual_std is None:
            return torch.ones_like(hypotheses[:, 0])
        return context.residual_std.expand_as(hypotheses[:, 0])

    @torch.no_grad()
    def estimate(self,
                 feats: Any,
                 data_samples: Optional[Sequence] = None,
                 test_cfg: Optional[dict] = None,
                 noise: Optional[NoiseMaker] = None) -> LiftingEstimate:
        """See :meth:`BaseLiftingHead.estimate`.

        Args:
            feats (LiftingContext | list[LiftingContext]): As there.
            data_samples (list[PoseDataSample], optional): As there.
            test_cfg (dict, optional): As there.
            noise (callable, optional): Makes the noise, as
                :class:`~mmdiffpose.diffusion.noise.HypothesisNoise` does of
                seeds, for each view anew. Defaults to noise by the seed, the
                clip and the camera.

        Raises:
            ValueError: For a key of ``test_cfg`` that nothing reads.
        """
        context, mirrored = split_views(feats)
        options = self.check_test_cfg(test_cfg)
        used = {**self.test_defaults, **options}
        context = self.prepare(context)
        if mirrored is not None:
            mirrored = self.prepare(mirrored)._replace(
                mirror=self.mirror_order(data_samples))
        seed = used.pop('seed')
        seeds: Seeds = noise or clip_seeds(seed, data_samples,
                                           len(context.features))
        mixtures = self.mixtures(data_samples, context)
        hypotheses = self.sample_views(context, mirrored, mixtures, seeds,
                                       options)
        used['flip'] = mirrored is not None
        std = self.predictive_std(hypotheses, context, used)
        return LiftingEstimate(
            self.aggregate(hypotheses, context, data_samples, used), std,
            hypotheses, self.average_coarse(context, mirrored),
            along_axes(std, self.predictive_shape(hypotheses, context, used)))


def along_axes(std: Tensor, shape: Tensor) -> Tensor:
    """Divide a std among the axes.

    Args:
        std (Tensor): Per axis on average, (..., J), metres.
        shape (Tensor): In proportion to what, (..., J, 3). A joint
            whose three are 0, such as the root, is as sure along all axes.

    Returns:
        Tensor: (..., J, 3), metres, whose root mean square is ``std``.
    """
    size = std_per_axis(shape)[..., None]
    share = torch.where(size > 0, shape / size.clamp(min=1e-12),
                        torch.ones_like(shape))
    return std[..., None] * share


def window_noise(
        seeds: Seeds,
        num_hypotheses: int,
        like: Tensor,
        share_frames: bool = False,
        joint_order: Optional[Sequence[int]] = None) -> HypothesisNoise:
    """Noise for windows like (B, T, J, ...), in at least 32 bits."""
    T, J = like.shape[1:3]
    make = seeds if callable(seeds) else partial(HypothesisNoise, seeds)
    return make(
        num_hypotheses,
        T,
        J,
        share_frames=share_frames,
        device=like.device,
        dtype=torch.promote_types(like.dtype, torch.float32),
        joint_order=joint_order)
