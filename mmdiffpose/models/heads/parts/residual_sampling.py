# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Regress, then sample what the regression leaves open, in any head."""

import inspect
from types import MappingProxyType
from typing import Any, Mapping, Optional, Sequence, Tuple

from torch import Tensor

from mmdiffpose.diffusion.aggregation import std_per_axis
from mmdiffpose.diffusion.initial_distribution import (JointMixtures,
                                                       initial_distribution,
                                                       joint_noise)
from mmdiffpose.diffusion.noise import HypothesisNoise, Seeds
from mmdiffpose.diffusion.samplers import Callback
from mmdiffpose.models.layers import flip_poses
from mmdiffpose.registry import MODELS
from .base import LiftingContext
from .refining import RefiningPart
from .sampling import SamplingHead, window_noise

RESIDUAL_TEST_DEFAULTS = dict(
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
"""Keys of ``test_cfg`` that a head reads which diffuses residuals; see
:meth:`~mmdiffpose.models.posterior.ResidualDiffusion.sample`. ``spread`` is
the one number that validation actors may choose. With ``share_frames`` each
hypothesis is a motion as smooth as the mean."""


def with_denoiser(config: Mapping[str, Any], denoiser: dict) -> dict:
    """``config['diffusion']`` with a head's own denoiser.

    Raises:
        ValueError: Where it has another one.
    """
    diffusion = dict(config.get('diffusion', {}))
    if 'denoiser' in diffusion:
        raise ValueError("the head's denoiser is that of the residuals: "
                         'residual_diffusion.diffusion should name none')
    return dict(diffusion, denoiser=denoiser)


def refuse_unread(owner: type, given: Mapping[str, Any], read: str) -> None:
    """Refuse options that have no meaning for residuals.

    Args:
        owner (type): Whose constructor takes them.
        given (Mapping): Options and values, maybe with others.
        read (str): Names of those that have one.

    Raises:
        ValueError: For others with a value that is not the default.
    """
    unread = []
    for name, parameter in inspect.signature(owner).parameters.items():
        required = parameter.default is parameter.empty
        if name in read.split() or required or name not in given:
            continue
        if given[name] != parameter.default:
            unread.append(name)
    if unread:
        raise ValueError(
            f'{owner.__name__} does not read {sorted(unread)} with '
            'residual_diffusion')


class ResidualSamplingHead(RefiningPart, SamplingHead):
    r"""Base of the heads that can diffuse the scaled residual.

    Networks on the features of all joints at once, gradients stopped: a
    second regression that corrects the coarse pose, the std of its residual
    and a denoiser of the residual in units of that std, of which a few
    evaluations give samples of the posterior
    (:class:`~mmdiffpose.models.posterior.ResidualDiffusion`). With F = 0 the
    hypotheses are those of a Gaussian with the predicted std and the
    residuals' correlation: what diffusion adds is measured against that.

    On a frozen encoder this is a second stage. With ``freeze_context=False``
    of the lifter all are trained at once, the encoder by its own coarse pose
    (``loss_coarse``) alone.

    A subclass calls :meth:`diffuse_residual` in its constructor, always or as
    its config says; until it has, ``diffusion`` is None and this class does
    nothing.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.diffusion: Any = None

    def diffuse_residual(
            self,
            in_channels: Optional[int] = None,
            diffusion: Mapping[str, Any] = MappingProxyType({}),
            refine: Optional[Mapping[str, Any]] = MappingProxyType({}),
            std: Mapping[str, Any] = MappingProxyType({}),
            start: str = 'gaussian',
            loss: Optional[dict] = None,
            std_weight: float = 0.1,
            diffusion_weight: float = 1.,
            diffusion_stride: int = 1,
            regression: Optional[Mapping[str, Any]] = None) -> None:
        r"""Make the networks and take the options.

        Args:
            in_channels (int, optional): See :meth:`refine_by`.
            diffusion (dict): Arguments of
                :class:`~mmdiffpose.models.posterior.ResidualDiffusion`. The
                denoiser is a ``ResidualMLP`` if nothing else is said.
            refine (dict, optional): See :meth:`refine_by`.
            std (dict): See :meth:`refine_by`.
            start (str): ``'gaussian'``, or ``'mixture'``: at ``sigma_max``
                the states are samples of :math:`H_K` (:meth:`initial`),
                widened by the noise. It is read in sampling alone: the same
                weights can be sampled from either.
            loss (dict, optional): See :meth:`refine_by`.
            std_weight (float): See :meth:`refine_by`.
            diffusion_weight (float): Of the denoiser's loss, which nothing
                but the denoiser learns from. Defaults to 1.
            diffusion_stride (int): Every how many-th frame of a window trains
                the denoiser, others in the next iteration: neighbouring
                frames teach much the same, and the denoiser is what costs
                most. Of a denoiser that needs all frames, every how many-th
                window of the batch. Defaults to 1.
            regression (dict, optional): See :meth:`refine_by`.

        Raises:
            ValueError: For an unknown start, or a stride below 1.
        """
        if start not in ('gaussian', 'mixture'):
            raise ValueError("start should be 'gaussian' or 'mixture', got "
                             f'{start!r}')
        if diffusion_stride < 1:
            raise ValueError('diffusion_stride should be a positive int, got '
                             f'{diffusion_stride}')
        self.refine_by(in_channels, refine, std, loss, std_weight, regression)
        self.reads_mixtures = start == 'mixture'
        self.test_defaults = RESIDUAL_TEST_DEFAULTS
        told = {} if self.skeleton is None else dict(skeleton=self.skeleton)
        self.diffusion = MODELS.build({
            'denoiser':
            dict(type='mmdiffpose.ResidualMLP'),
            **diffusion, 'type':
            'mmdiffpose.ResidualDiffusion',
            'in_channels':
            self.refined_channels,
            'num_joints':
            self.num_joints,
            **told
        })
        self.diffusion_weight = diffusion_weight
        self.diffusion_stride = diffusion_stride

    def prepare(self, context: LiftingContext) -> LiftingContext:
        """Add the refined pose and the std of its error, once."""
        if self.diffusion is None or context.mean is not None:
            return context
        known = self.regress(context)
        return context._replace(
            features=known.features, mean=known.mean, std=known.std)

    def mean_and_std(self, context: LiftingContext) -> Tuple[Tensor, Tensor]:
        """The refined pose and the std of its error.

        Args:
            context (LiftingContext): Of B windows.

        Returns:
            tuple[Tensor, Tensor]: (B, T, J, 3) each; root-relative metres,
            and metres.
        """
        return self.prepare(context).known_pose()

    def residual_loss(self, feats: LiftingContext,
                      data_samples: Sequence) -> dict:
        """Losses of all that is trained here.

        Returns:
            dict: ``loss_diffusion``, ``loss_std``, ``loss_pose3d`` of the
            refined pose where there is one, ``loss_coarse`` where what makes
            the coarse pose is trained, too.
        """
        known = self.regress(feats)
        mean, std = known.mean, known.std
        target, weight = self.targets(data_samples, mean)
        temporal = self.diffusion.temporal
        stride = min(self.diffusion_stride, target.shape[0 if temporal else 1])
        first = self._iteration.read(self.iteration) % stride
        windows, frames = slice(None), slice(first, None, stride)
        if temporal:
            windows, frames = frames, windows
        part = (windows, frames)
        drawn = mean[part]
        noise = self.training_noise(data_samples,
                                    drawn[:, :1] if temporal else drawn,
                                    self.diffusion.num_draws, windows)
        return dict(
            loss_diffusion=self.diffusion_weight * self.diffusion.loss(
                known.features[part], drawn, std[part], target[part],
                weight[part], None if feats.seen is None else feats.seen[part],
                noise.normal(7)),
            **self.regression_losses(known, target, weight))

    def initial(self, context: LiftingContext,
                mixtures: Optional[Tensor]) -> JointMixtures:
        """:math:`H_K` around the refined pose: x and y as the 2D mixtures
        (B, T, J, M, 5) say, z as wide as the predicted std; metres."""
        return initial_distribution(
            *context.known_pose(),
            mixtures,
            xy='context',
            root_index=self.root_index)

    def sample_residual(self, context: LiftingContext,
                        mixtures: Optional[Tensor], noise: HypothesisNoise,
                        options: Mapping[str, Any],
                        callback: Optional[Callback]) -> Tensor:
        """Samples of the posterior, as ``reverse`` of
        :class:`SamplingHead`."""
        context = self.prepare(context)
        mean, std = context.known_pose()
        white = noise.normal()
        start = None
        if mixtures is not None:
            model = joint_noise(self.initial(context, mixtures), noise)
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
                     mixtures: Optional[Tensor], seeds: Seeds,
                     options: Mapping[str, Any]) -> Tensor:
        """Hypotheses (B, N, T, J, 3), each the mean of both views'.

        The noise of the mirror image is the mirror image of the noise, so
        that both views' residuals are alike and their mean is as wide.
        """
        if self.diffusion is None or mirrored is None:
            return super().sample_views(context, mirrored, mixtures, seeds,
                                        options)
        used = {**self.test_defaults, **options}
        poses = []
        for view, seen_mixtures, flipped in ((context, mixtures, False),
                                             (mirrored,
                                              self.flip_mixtures(
                                                  mixtures,
                                                  mirrored.mirror), True)):
            noise = window_noise(seeds, used['num_hypotheses'], view.features,
                                 used['share_frames'], self.draw_order)
            if flipped:
                noise = MirroredNoise(noise, self.mirror(mirrored.mirror))
            poses.append(
                self.to_root_relative(
                    self.reverse(view, seen_mixtures, noise, used, None)))
        return self.average_views(poses[0], poses[1], mirrored.mirror)

    def predictive_std(self, hypotheses: Tensor, context: LiftingContext,
                       options: Mapping[str, Any]) -> Tensor:
        """The predicted std, times ``spread``, calibrated where it is.

        Hypotheses have it, too, but that of ten of them is itself a quarter
        off.
        """
        if self.diffusion is None:
            return super().predictive_std(hypotheses, context, options)
        return self.std_calibration(
            std_per_axis(self.predictive_shape(hypotheses, context, options)),
            options)

    def predictive_shape(self, hypotheses: Tensor, context: LiftingContext,
                         options: Mapping[str, Any]) -> Tensor:
        """The predicted std along each axis, times ``spread``."""
        if self.diffusion is None:
            return super().predictive_shape(hypotheses, context, options)
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

    def uniform_frames(self) -> Tensor:
        """See :meth:`HypothesisNoise.uniform_frames`."""
        return self._noise.uniform_frames()
