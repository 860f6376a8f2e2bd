# Copyright (c) mmdiffpose contributors. All rights reserved.
"""DiffPose as its released code does it, for its released weights."""

import logging
from typing import Any, List, Mapping, NamedTuple, Optional, Sequence

import torch
from mmengine.logging import print_log
from torch import Tensor

from mmdiffpose.diffusion.initial_distribution import draw_component
from mmdiffpose.diffusion.noise import HypothesisNoise, Seeds
from mmdiffpose.diffusion.process import (DiffusionProcess, antithetic_steps,
                                          training_steps)
from mmdiffpose.diffusion.samplers import Callback, ddim
from mmdiffpose.diffusion.schedules import make_alphas
from mmdiffpose.models.denoisers.denoiser import (Denoiser, build_denoiser,
                                                  denoise_hypotheses)
from mmdiffpose.models.heads.parts.base import LiftingContext, stack_mixtures
from mmdiffpose.models.heads.parts.sampling import SamplingHead
from mmdiffpose.registry import MODELS
from mmdiffpose.skeletons.metainfo import SkeletonLike

TEST_DEFAULTS = dict(
    sampling_range=(24, 2),
    num_hypotheses=1,
    eta=0.,
    start_noise=0.,
    seed=0,
    share_frames=True)
"""Keys of ``test_cfg`` that :class:`ReleasedDiffPoseHead` reads."""


class Kernels(NamedTuple):
    """One 2D Gaussian per joint: (..., J, 2) each, screen-normalised."""
    mean: Tensor
    std: Tensor


def pick_kernels(mixtures: Tensor, uniform: Optional[Tensor]) -> Kernels:
    """One component of each joint's mixture, drawn joint by joint.

    Args:
        mixtures (Tensor): (..., J, M, 5), weights with sum 1.
        uniform (Tensor, optional): (..., J), uniform in [0, 1). Without it
            the likeliest component is taken.
    """
    weights = mixtures[..., 0]
    if uniform is None:
        component = weights.argmax(dim=-1)
    else:
        component = draw_component(weights, uniform)
    index = component[..., None, None].expand(*component.shape, 1, 5)
    _, mean, std = mixtures.gather(-2, index)[..., 0, :].split([1, 2, 2], -1)
    return Kernels(mean, std)


def released_steps(sampling_range: Sequence[int], num_steps: int) -> List[int]:
    """The steps that the released code visits, counted from 1, then 0.

    ``(n, s)`` visits ``range(0, n, n // s)`` from its end, in the released
    code's count from 0: (24, 2) visits 12 and 0, (12, 2) 6 and 0, (6, 1)
    only 0.

    Raises:
        ValueError: For anything but 1 <= s <= n <= K.
    """
    n, s = sampling_range
    if not 1 <= s <= n <= num_steps:
        raise ValueError('sampling_range should be (n, s) with 1 <= s <= n '
                         f'<= {num_steps}, got {tuple(sampling_range)}')
    return [t + 1 for t in reversed(range(0, n, n // s))] + [0]


@MODELS.register_module()
class ReleasedDiffPoseHead(SamplingHead):
    r"""The released code's DiffPose, which is not the paper's.

    It refines the context encoder's pose: a pose of five channels (u, v
    screen-normalised, x, y, z in root-relative metres) is diffused by Eq. 4
    with little noise (:math:`\alpha_K` = 0.97) and *no* shift by
    :math:`\mu^G`, and the network predicts the noise. There are no context
    features and no heatmaps beyond the 2D kernels. The encoder's pose is used
    at test only.

    *Training.* u, v are the mean of a kernel of the joint's 2D mixture,
    drawn joint by joint; x, y, z the target. Noise has the kernel's width
    on u, v and 1 m on x, y, z. The loss is the squared error of that noise,
    summed over joints and channels, averaged over frames; steps come in
    antithetic pairs.

    *Test.* The sampler starts at (u, v, the encoder's x, y, z) without any
    noise and takes the few steps of ``sampling_range`` with ``eta=0``. So
    nothing is random: all hypotheses would be the same, and more than one
    is refused. ``eta`` > 0, or ``start_noise`` > 0 (a factor on the noise of
    the first step, 1 for all of it), makes them differ; the released code has
    the latter commented out. The std that is reported for a single
    hypothesis is the encoder's. With ``flip_test`` the encoder's poses of the
    window and of its mirror image are averaged and then refined once, as the
    released video code does. Where a joint's mixture has several components
    the likeliest is taken; the released files weigh the first with 1.

    Known differences: noise of ``eta`` > 0 has the width of each channel
    (released: 1 everywhere), steps are paired over all frames of a batch.

    Args:
        denoiser (dict): The network, :class:`~mmdiffpose.models.GCNDiff`.
        num_steps (int): Steps. Defaults to 51.
        schedule (dict, optional): Defaults to the released one, linear from
            1e-4 to 1e-3.
        noise_scale (tuple[float], optional): Noise std of u, v, x, y, z in
            place of the kernels' widths; the released video code has (0.5,
            0.5, 1, 1, 1). Defaults to None: the kernels' on u, v and 1 m.
        num_joints (int, optional): As in ``BaseLiftingHead``.
        root_index (int, optional): As there.
        decoder (dict, optional): The codec.
        init_cfg (dict, optional): Initialisation config.
        skeleton (str | dict | Skeleton, optional): As in ``BaseLiftingHead``.
    """

    reads_mixtures = True
    test_defaults = TEST_DEFAULTS
    denoiser: Denoiser

    def __init__(self,
                 denoiser: dict,
                 num_steps: int = 51,
                 schedule: Optional[dict] = None,
                 noise_scale: Optional[Sequence[float]] = None,
                 num_joints: Optional[int] = None,
                 root_index: Optional[int] = None,
                 decoder: Optional[dict] = None,
                 init_cfg: Optional[dict] = None,
                 skeleton: Optional[SkeletonLike] = None) -> None:
        super().__init__(num_joints, root_index, decoder, init_cfg, skeleton)
        if noise_scale is not None and (len(noise_scale) != 5
                                        or min(noise_scale) <= 0):
            raise ValueError('noise_scale should hold five positive stds, of '
                             f'u, v, x, y, z, got {noise_scale}')
        self.denoiser = build_denoiser(denoiser, num_steps, self.skeleton)
        schedule = dict(
            schedule or dict(type='linear', beta_start=1e-4, beta_end=1e-3))
        self.process = DiffusionProcess(
            make_alphas(schedule.pop('type'), num_steps, **schedule))
        self.noise_scale = noise_scale
        self._told = False

    def scale(self, std: Tensor) -> Tensor:
        """Noise std of each channel, (..., J, 5), from kernels' (..., J, 2).
        """
        if self.noise_scale is not None:
            fixed = std.new_tensor(self.noise_scale)
            return fixed.expand(*std.shape[:-1], 5)
        return torch.cat([std, std.new_ones(*std.shape[:-1], 3)], dim=-1)

    def loss(self,
             feats: LiftingContext,
             batch_data_samples: Sequence,
             train_cfg: Optional[dict] = None) -> dict:
        """Squared error of the noise, summed over a pose's joints, channels.

        Returns:
            dict: ``loss_diffusion``.
        """
        coarse = feats.known_coarse()
        poses, weight = self.targets(batch_data_samples, coarse, coarse)
        mixtures = stack_mixtures(batch_data_samples, coarse)
        noise = self.training_noise(batch_data_samples, poses)
        kernels = pick_kernels(mixtures, noise.uniform()[:, 0])
        k = self._training_steps(noise.uniform_frames()[:, 0])
        epsilon = noise.normal(5)[:, 0] * self.scale(kernels.std)
        clean = torch.cat([kernels.mean, poses], dim=-1)
        noisy = self.process.diffuse(clean, k, epsilon)
        # The network has no context: a window without channels.
        prediction = denoise_hypotheses(self.denoiser, noisy[:, None],
                                        k[:, None], noisy[..., :0])[:, 0]
        error = (prediction - epsilon).square().sum(dim=-1)
        return dict(loss_diffusion=(error * weight).sum(dim=-1).mean())

    def _training_steps(self, uniform: Tensor) -> Tensor:
        K = self.process.num_steps
        return antithetic_steps(training_steps(uniform, K), K)

    def reverse(self, context: LiftingContext, mixtures: Optional[Tensor],
                noise: HypothesisNoise, options: Mapping[str, Any],
                callback: Optional[Callback]) -> Tensor:
        """Refine the encoder's poses; see :class:`SamplingHead`. The
        callback gets poses of five channels.

        Raises:
            ValueError: For several hypotheses that would be the same, steps
                out of range, or without the 2D mixtures, which hold u and v.
        """
        self._check_randomness(options)
        if mixtures is None:
            raise ValueError('ReleasedDiffPoseHead refines 2D and 3D at once '
                             'and needs the 2D mixtures (B, T, J, M, 5)')
        coarse = context.known_coarse()
        N = options['num_hypotheses']
        sequence = released_steps(options['sampling_range'],
                                  self.process.num_steps)
        kernels = pick_kernels(mixtures, None)
        scale = self.scale(kernels.std)[:, None]

        def draw() -> Tensor:
            return noise.normal(5) * scale

        start = torch.cat([kernels.mean, coarse], dim=-1)[:, None]
        start = start.expand(-1, N, -1, -1, -1)
        if options['start_noise'] > 0:
            level = (1 - self.process.level(sequence[0]))**0.5
            start = start + options['start_noise'] * level * draw()
        poses = ddim(
            self.denoiser.bind(coarse[..., :0], N),
            start,
            self.process,
            target='epsilon',
            eta=options['eta'],
            noise=draw,
            callback=callback,
            sequence=sequence)
        return poses[..., 2:]

    def sample_views(self, context: LiftingContext,
                     mirrored: Optional[LiftingContext],
                     mixtures: Optional[Tensor], seeds: Seeds,
                     options: Mapping[str, Any]) -> Tensor:
        """Refine the mean of both views' encoder poses, once, as released."""
        merged = context._replace(
            coarse=self.average_coarse(context, mirrored))
        return self.sample(merged, mixtures, seeds, **options)

    def _check_randomness(self, options: Mapping[str, Any]) -> None:
        """Refuse hypotheses that are copies, and say once that there is one.
        """
        if options['eta'] > 0 or options['start_noise'] > 0:
            return
        if options['num_hypotheses'] > 1:
            raise ValueError(
                f'num_hypotheses={options["num_hypotheses"]} would be that '
                'many copies of one pose: the released sampler starts '
                'without noise and has eta=0. Set start_noise or eta in '
                'model.test_cfg, or num_hypotheses=1')
        if not self._told:
            self._told = True
            print_log(
                'the released sampler is deterministic: there is one '
                "hypothesis, and its std is the context encoder's",
                logger='current',
                level=logging.WARNING)
