# Copyright (c) mmdiffpose contributors. All rights reserved.
"""A refined pose, how far off it may be, and samples of what is left."""

from types import MappingProxyType
from typing import Any, Mapping, Optional, Sequence, Tuple

import torch
from torch import Tensor

from mmdiffpose.diffusion.aggregation import std_per_axis
from mmdiffpose.diffusion.initial_distribution import (JointMixtures,
                                                       initial_distribution,
                                                       joint_noise)
from mmdiffpose.diffusion.noise import HypothesisNoise
from mmdiffpose.diffusion.samplers import Callback
from mmdiffpose.models.heads.parts.base import LiftingContext
from mmdiffpose.models.heads.parts.sampling import SamplingHead, window_noise
from mmdiffpose.models.layers import flip_poses
from mmdiffpose.models.posterior import ResidualStdRegressor
from mmdiffpose.registry import MODELS

TEST_DEFAULTS = dict(
    num_hypotheses=10,
    sampler='angle',
    num_sampling_steps=2,
    sigma_max=3.,
    exponent=1.6,
    recentre=True,
    spread=1.,
    seed=0,
    share_frames=True,
    aggregation='mean')
"""Keys of ``test_cfg`` that :class:`ResidualDiffusionHead` reads; see
:meth:`~mmdiffpose.models.posterior.ResidualDiffusion.sample`. ``spread`` is
the one number that validation actors may choose. With ``share_frames`` each
hypothesis is a motion as smooth as the mean."""


@MODELS.register_module()
class ResidualDiffusionHead(SamplingHead):
    r"""Regress, then diffuse what the regression leaves open.

    Three networks on the features of all joints at once, gradients stopped:
    a second regression that corrects the coarse pose, the std of its residual
    and a denoiser of the residual in units of that std, with two evaluations
    of which hypotheses are samples of the posterior
    (:class:`~mmdiffpose.models.posterior.ResidualDiffusion`). With F = 0 the
    hypotheses are those of a Gaussian with the predicted std and the
    residuals' correlation: what diffusion adds is measured against that.

    On a frozen encoder this is a second stage. With ``freeze_context=False``
    of the lifter all are trained at once, the encoder by its own coarse pose
    (``loss_coarse``) alone.

    Args:
        in_channels (int): Width C of the context encoder's features.
        diffusion (dict): Arguments of
            :class:`~mmdiffpose.models.posterior.ResidualDiffusion`. The
            denoiser is a ``ResidualMLP`` if nothing else is said.
        refine (dict, optional): Arguments of
            :class:`~mmdiffpose.models.posterior.RefiningRegressor`. None for
            the coarse pose as it is.
        std (dict): Arguments of
            :class:`~mmdiffpose.models.posterior.ResidualStdRegressor`.
        start (str): ``'gaussian'``, or ``'mixture'``: at ``sigma_max`` the
            states are samples of :math:`H_K`, the 2D mixtures and the
            predicted std in depth, widened by the noise.
        loss (dict, optional): Of both poses. Defaults to MPJPE.
        std_weight (float): Of the std's likelihood. Defaults to 0.1.
        diffusion_weight (float): Of the denoiser's loss, which nothing but
            the denoiser learns from. Defaults to 1.
        diffusion_stride (int): Every how many-th frame of a window trains
            the denoiser, others in the next iteration: neighbouring frames
            teach much the same, and the denoiser is what costs most.
            Defaults to 1.
        num_joints (int): Number of joints J. Defaults to 17.
        root_index (int): The root joint. Defaults to 0.
        decoder (dict, optional): The codec.
        init_cfg (dict, optional): Initialisation config.

    Raises:
        ValueError: For an unknown start.
    """

    test_defaults = TEST_DEFAULTS

    def __init__(self,
                 in_channels: int,
                 diffusion: Mapping[str, Any] = MappingProxyType({}),
                 refine: Optional[Mapping[str, Any]] = MappingProxyType({}),
                 std: Mapping[str, Any] = MappingProxyType({}),
                 start: str = 'gaussian',
                 loss: Optional[dict] = None,
                 std_weight: float = 0.1,
                 diffusion_weight: float = 1.,
                 diffusion_stride: int = 1,
                 num_joints: int = 17,
                 root_index: int = 0,
                 decoder: Optional[dict] = None,
                 init_cfg: Optional[dict] = None) -> None:
        super().__init__(num_joints, root_index, decoder, init_cfg)
        if start not in ('gaussian', 'mixture'):
            raise ValueError("start should be 'gaussian' or 'mixture', got "
                             f'{start!r}')
        self.reads_mixtures = start == 'mixture'
        common = dict(in_channels=in_channels, num_joints=num_joints)
        self.refine = (None if refine is None else MODELS.build(
            dict(refine, type='mmdiffpose.RefiningRegressor', **common)))
        self.std = MODELS.build(
            dict(std, type='mmdiffpose.ResidualStdRegressor', **common))
        self.diffusion = MODELS.build({
            'denoiser':
            dict(type='mmdiffpose.ResidualMLP'),
            **diffusion, 'type':
            'mmdiffpose.ResidualDiffusion',
            **common
        })
        self.loss_module = MODELS.build(
            dict(type='mmdiffpose.MPJPELoss') if loss is None else loss)
        self.std_weight = std_weight
        if diffusion_stride < 1:
            raise ValueError('diffusion_stride should be a positive int, got '
                             f'{diffusion_stride}')
        self.diffusion_weight = diffusion_weight
        self.diffusion_stride = diffusion_stride

    def prepare(self, context: LiftingContext) -> LiftingContext:
        """Add the refined pose and the std of its error, once."""
        if context.mean is not None:
            return context
        mean, std = self.mean_and_std(context)
        return context._replace(mean=mean, std=std)

    def mean_and_std(self, context: LiftingContext) -> Tuple[Tensor, Tensor]:
        """The refined pose and the std of its error.

        Args:
            context (LiftingContext): Of B windows.

        Returns:
            tuple[Tensor, Tensor]: (B, T, J, 3) each; root-relative metres,
            and metres.
        """
        if context.mean is not None and context.std is not None:
            return context.mean, context.std
        mean = context.known_coarse()
        if self.refine is not None:
            mean = self.to_root_relative(
                self.refine(context.features, mean, context.seen))
        return mean, self.std(context.features, mean, context.seen)

    def loss(self,
             feats: LiftingContext,
             batch_data_samples: Sequence,
             train_cfg: Optional[dict] = None) -> dict:
        """Losses of all that this head trains.

        Returns:
            dict: ``loss_diffusion``, ``loss_std``, ``loss_pose3d`` of the
            refined pose where there is one, ``loss_coarse`` where the encoder
            is trained, too.
        """
        coarse = feats.known_coarse()
        target, weight = self.targets(batch_data_samples, coarse)
        mean, std = self.mean_and_std(feats)
        stride = min(self.diffusion_stride, target.shape[1])
        first = self._iteration.read(self.iteration) % stride
        every = (slice(None), slice(first, None, stride))
        noise = self.training_noise(batch_data_samples, coarse[every],
                                    self.diffusion.num_draws)
        losses = dict(
            loss_diffusion=self.diffusion_weight * self.diffusion.loss(
                feats.features[every], mean[every], std[every], target[every],
                weight[every], None
                if feats.seen is None else feats.seen[every], noise.normal(7)),
            loss_std=self.std_weight *
            ResidualStdRegressor.likelihood_loss(std, mean, target, weight))
        if self.refine is not None:
            losses['loss_pose3d'] = self.loss_module(mean, target, weight)
        if coarse.requires_grad:
            losses['loss_coarse'] = self.loss_module(coarse, target, weight)
        return losses

    def initial(self, context: LiftingContext, mixtures: Tensor, mean: Tensor,
                std: Tensor) -> JointMixtures:
        """:math:`H_K` around the refined pose, its depth as wide as the
        predicted std; metres."""
        joints = initial_distribution(
            mean,
            context.known_std(),
            mixtures,
            xy='context',
            root_index=self.root_index)
        depth = std[..., None, 2:].expand_as(joints.stds[..., 2:])
        stds = torch.cat([joints.stds[..., :2], depth], dim=-1)
        return JointMixtures(joints.weights, joints.means, stds)

    def reverse(self, context: LiftingContext, mixtures: Optional[Tensor],
                noise: HypothesisNoise, options: Mapping[str, Any],
                callback: Optional[Callback]) -> Tensor:
        """Samples of the posterior; see :class:`SamplingHead`."""
        mean, std = self.mean_and_std(context)
        white = noise.normal()
        start = None
        if mixtures is not None:
            model = joint_noise(
                self.initial(context, mixtures, mean, std), noise)
            start = model.center + model.colour(noise.normal())
        return self.diffusion.sample(
            context.features,
            mean,
            std,
            # One draw for all frames is coloured once.
            white[:, :, :1] if options['share_frames'] else white,
            context.seen,
            start,
            evaluations=options['num_sampling_steps'],
            sampler=options['sampler'],
            sigma_max=options['sigma_max'],
            exponent=options['exponent'],
            recentre=options['recentre'],
            spread=options['spread'],
            callback=callback)

    def sample_views(self, context: LiftingContext,
                     mirrored: Optional[LiftingContext],
                     mixtures: Optional[Tensor], seeds: Sequence[int],
                     options: Mapping[str, Any]) -> Tensor:
        """Hypotheses (B, N, T, J, 3), each the mean of both views'.

        The noise of the mirror image is the mirror image of the noise, so
        that both views' residuals are alike and their mean is as wide.
        """
        if mirrored is None:
            return super().sample_views(context, None, mixtures, seeds,
                                        options)
        used = {**self.test_defaults, **options}
        poses = []
        for view, seen_mixtures, flipped in ((context, mixtures, False),
                                             (mirrored,
                                              self.flip_mixtures(mixtures),
                                              True)):
            noise = window_noise(seeds, used['num_hypotheses'], view.features,
                                 used['share_frames'])
            if flipped:
                noise = MirroredNoise(noise, self.flip_indices)
            poses.append(
                self.to_root_relative(
                    self.reverse(view, seen_mixtures, noise, used, None)))
        return self.average_views(*poses)

    def predictive_std(self, hypotheses: Tensor, context: LiftingContext,
                       options: Mapping[str, Any]) -> Tensor:
        """The predicted std, times ``spread``, calibrated where it is.

        Hypotheses have it, too, but that of ten of them is itself a quarter
        off.
        """
        return self.std_calibration(
            std_per_axis(self.predictive_shape(hypotheses, context, options)),
            options)

    def predictive_shape(self, hypotheses: Tensor, context: LiftingContext,
                         options: Mapping[str, Any]) -> Tensor:
        """The predicted std along each axis, times ``spread``."""
        return options['spread'] * self.mean_and_std(context)[1]


class MirroredNoise(HypothesisNoise):
    """What a source of noise draws, as seen in a mirror.

    Args:
        noise (HypothesisNoise): The source.
        order (Sequence[int]): Joint that takes each joint's place.
    """

    def __init__(self, noise: HypothesisNoise, order: Sequence[int]) -> None:
        self._noise, self._order = noise, list(order)

    def normal(self, channels: int = 3) -> Tensor:
        """See :meth:`HypothesisNoise.normal`; x is the first channel."""
        return flip_poses(self._noise.normal(channels), self._order)

    def uniform(self) -> Tensor:
        """See :meth:`HypothesisNoise.uniform`."""
        return self._noise.uniform()[..., self._order]
