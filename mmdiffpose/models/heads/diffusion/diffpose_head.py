# Copyright (c) mmdiffpose contributors. All rights reserved.
"""DiffPose: pose estimation as reverse diffusion from a mixture."""

from typing import Any, List, Mapping, Optional, Sequence, Union

import torch
from torch import Tensor

from mmdiffpose.diffusion.initial_distribution import (JointMixtures,
                                                       NoiseModel,
                                                       fit_pose_mixture,
                                                       joint_noise, pose_noise)
from mmdiffpose.diffusion.noise import GivenNoise, HypothesisNoise
from mmdiffpose.diffusion.process import (TARGETS, DiffusionProcess, Target,
                                          training_steps)
from mmdiffpose.diffusion.samplers import Callback
from mmdiffpose.diffusion.sampling import run
from mmdiffpose.diffusion.schedules import make_alphas
from mmdiffpose.models.heads.parts.base import LiftingContext, stack_mixtures
from mmdiffpose.models.heads.parts.denoising import DenoisingHead
from mmdiffpose.models.heads.parts.residual_sampling import (
    ResidualSamplingHead, refuse_unread, with_denoiser)
from mmdiffpose.registry import MODELS

TEST_DEFAULTS = dict(
    num_hypotheses=5,
    sampler='ddim',
    num_sampling_steps=5,
    eta=0.,
    clip=None,
    seed=0,
    share_frames=True)
"""Keys of ``test_cfg`` that :class:`DiffPoseHead` reads. ``sampler`` is one of
:data:`~mmdiffpose.diffusion.sampling.SAMPLERS`; ``eta`` is DDIM's, and
``'ddpm'`` takes all K steps. ``clip`` bounds each coordinate of the estimated
pose, metres."""


@MODELS.register_module()
class DiffPoseHead(DenoisingHead, ResidualSamplingHead):
    r"""DiffPose head (Gong et al., CVPR 2023).

    Builds :math:`H_K` from the codec's 2D mixtures and the context encoder's
    depth (Sec. 4.1), fits a mixture to it (Eq. 6), trains the denoiser on the
    mixture-shifted forward process (Eq. 7-9), and at test runs N samples of
    :math:`H_K` through DDIM and averages them (Sec. 4.4).

    What was found on mocap-mini (validation split, one seed, MPJPE in mm,
    encoder alone 68.9): with f_ST alone neither this head (70.3) nor the same
    network as a single-pass regressor (68.5) improved on the encoder, whose
    training and validation errors were alike, so that no overconfidence was
    to blame: a linear layer had already read all that f_ST says. Told the
    moments of H_K (``condition_on_start``) the regressor reached 65.8. Each
    hypothesis is a draw, so N of them pay for their spread: with 5 DDIM steps
    N = 1, 5, 20 gave 79.3, 68.1, 65.8 (every other window, encoder 67.5),
    with 2 steps N = 1, 5 gave 71.3, 66.2. Targets other than ``'sample'``
    divide by small numbers on the way to h_0 and diverge early in training.

    **Residuals.** With ``residual_diffusion`` the head first regresses a
    refined pose :math:`\mu` and its std s and diffuses the residual in units
    of that std, :math:`u = (y - \mu)/s`
    (:class:`~mmdiffpose.models.heads.parts.residual_sampling.ResidualSamplingHead`).
    The paper's start is kept, and is exact. Its :math:`H_K` (Sec. 4.1) has
    for each joint a density of x, y that the heatmap gives and one of z that
    the context encoder or a histogram gives; brought to metres it is a
    mixture per joint, :math:`H_K = \sum_m w_m N(\mu_m, \mathrm{diag}\,
    \sigma_m^2)` (:func:`~mmdiffpose.diffusion.initial_distribution`), with
    the z part around the refined pose and as wide as the predicted std, or
    the histogram's. A draw h of it is in residual space

    .. math:: u_h = (h - \mu) / s \sim
        \sum_m w_m N\big((\mu_m - \mu)/s,\; \mathrm{diag}\,
        (\sigma_m/s)^2\big),

    x and y in units of the predicted std. The reverse process of EDM starts
    from the law of :math:`x = u + \sigma_{max}\epsilon`, which the paper's
    Eq. 7 takes to be that of :math:`H_K`. Here it is

    .. math:: x = u_h + \sigma_{max}\epsilon, \qquad
        z = x / \sqrt{1 + \sigma_{max}^2} = \cos\phi_0\, u_h +
        \sin\phi_0\, \epsilon, \quad \tan\phi_0 = \sigma_{max}:

    a draw of :math:`H_K` widened by :math:`\sigma_{max}`, at every
    ``sigma_max``, without EM and without a step at which the paper's
    :math:`\sqrt{\alpha_K}` were not 0 (:func:`mixture_start
    <mmdiffpose.diffusion.preconditioning.mixture_start>`). The smaller
    ``sigma_max``, the more of :math:`H_K` is left in the samples; at the
    default, 3, its share of the start's variance is a tenth. What it adds:
    where the 2D mixture has but one component at :math:`\mu` (``xy=
    'context'`` and keypoints without heatmaps), :math:`u_h` is N(0, 1) joint
    by joint, and the start says nothing that :math:`\mu` and s have not
    said; ``start='gaussian'`` then has the residuals' correlation on top.
    Modes in the image, and in depth with ``depth='histogram'``, are what only
    the mixture knows. The start is read in sampling alone: the same weights
    can be sampled from either.

    Args:
        in_channels (int): Width C of the context encoder's features.
        denoiser (dict): The network g. With ``residual_diffusion`` a
            ``ResidualMLP`` will do, too.
        num_steps (int): Diffusion steps K. Defaults to 50.
        schedule (dict): Name ``type`` and parameters of the noise schedule.
            Defaults to cosine, whose :math:`\alpha_K` is close to 0.
        target (str): What g predicts: ``'previous'`` (Eq. 8, the paper),
            ``'sample'`` or ``'epsilon'`` (the released code).
        start (str): ``'gmm'``: components of the pose, fitted by EM;
            ``'joint'``: :math:`H_K` itself, a component per joint, no EM;
            ``'standard'``: N(0, ``standard_std``\ :sup:`2`), the paper's
            "Stand-Diff".
        num_components (int): M. Defaults to 5.
        covariance_type (str): ``'diag'``, ``'joint'`` or ``'full'`` (Eq. 6).
        num_gmm_samples (int): :math:`N_{GMM}`, unstated in the paper.
        standard_std (float): Metres, for ``start='standard'``.
        loss (dict): Loss between the output and its target, both poses.
            Defaults to the squared error of Eq. 9.
        num_train_hypotheses (int): N of Eq. 9 in training. Defaults to 1.
        train_steps (int | str): Steps drawn per hypothesis and iteration, or
            ``'all'`` for the full sum over k of Eq. 9. Defaults to 1.
        step_exponent (float): p of
            :func:`~mmdiffpose.diffusion.process.training_steps`; 1 makes the
            drawn loss an unbiased estimate of Eq. 9's mean.
        residual_diffusion (dict, optional): Arguments of
            ``ResidualSamplingHead.diffuse_residual``;
            its ``start`` defaults to ``'mixture'``. Of the options above and
            those of :class:`DenoisingHead` it reads ``in_channels``,
            ``denoiser``, ``loss`` (of poses, MPJPE by default), and what says
            how H_K is made: ``xy``, ``std_scale`` and ``depth…``. Defaults to
            None: as published.
        **kwargs: Arguments of :class:`DenoisingHead`.

    Raises:
        ValueError: For unknown names, or options that are not read.
    """

    test_defaults = TEST_DEFAULTS

    def __init__(self,
                 in_channels: int,
                 denoiser: dict,
                 num_steps: int = 50,
                 schedule: Optional[dict] = None,
                 target: Target = 'previous',
                 start: str = 'gmm',
                 num_components: int = 5,
                 covariance_type: str = 'diag',
                 num_gmm_samples: int = 128,
                 standard_std: float = 0.25,
                 loss: Optional[dict] = None,
                 num_train_hypotheses: int = 1,
                 train_steps: Union[int, str] = 1,
                 step_exponent: float = 1.,
                 residual_diffusion: Optional[dict] = None,
                 **kwargs: Any) -> None:
        given = {**locals(), **kwargs}
        scaled = residual_diffusion is not None
        super().__init__(in_channels, None if scaled else denoiser, num_steps,
                         **kwargs)
        if residual_diffusion is not None:
            for owner in (DiffPoseHead, DenoisingHead):
                refuse_unread(
                    owner, given, 'in_channels denoiser loss kwargs '
                    'residual_diffusion xy std_scale depth depth_histogram '
                    'depth_components num_joints root_index decoder init_cfg '
                    'skeleton')
            self.diffuse_residual(
                **{
                    'start': 'mixture',
                    'loss': loss,
                    **residual_diffusion, 'in_channels': in_channels,
                    'diffusion': with_denoiser(residual_diffusion, denoiser)
                })
            return
        if target not in TARGETS:
            raise ValueError(
                f'target should be one of {TARGETS}, got {target!r}')
        if start not in ('gmm', 'joint', 'standard'):
            raise ValueError("start should be 'gmm', 'joint' or 'standard', "
                             f'got {start!r}')
        if train_steps != 'all' and not (isinstance(train_steps, int)
                                         and train_steps >= 1):
            raise ValueError("train_steps should be a positive int or 'all', "
                             f'got {train_steps!r}')
        schedule = dict(type='cosine') if schedule is None else dict(schedule)
        self.process = DiffusionProcess(
            make_alphas(schedule.pop('type'), num_steps, **schedule))
        self.target = target
        self.start = start
        self.num_components = num_components
        self.covariance_type = covariance_type
        self.num_gmm_samples = num_gmm_samples
        # What all poses' mixtures are fitted to, drawn once.
        base = HypothesisNoise([0], num_gmm_samples, 1, self.num_joints)
        uniform = base.uniform()[..., None]
        self._base = base.normal(), uniform
        self.standard_std = standard_std
        self.num_train_hypotheses = num_train_hypotheses
        self.train_steps = train_steps
        self.step_exponent = step_exponent
        self.loss_module = MODELS.build(
            dict(type='mmdiffpose.SquaredErrorLoss') if loss is None else loss)

    def noise_model(self, joints: JointMixtures,
                    noise: HypothesisNoise) -> NoiseModel:
        """Centre and colour of each hypothesis' noise.

        Args:
            joints (JointMixtures): H_K of B windows.
            noise (HypothesisNoise): Of shape (B, N, T, J).

        Returns:
            NoiseModel: Broadcasts to (B, N, T, J, 3), metres.
        """
        if self.start == 'standard':
            return NoiseModel(
                torch.zeros_like(joints.means[:, None, ..., 0, :]),
                lambda white: white * self.standard_std)
        if self.start == 'joint':
            return joint_noise(joints, noise)
        # As for joints in an order of the skeleton's own: neither EM nor a
        # triangular factor then depends on where a joint stands.
        order = self.draw_order
        own = [order.index(joint) for joint in range(self.num_joints)]
        normal, uniform = (draws.to(joints.means) for draws in self._base)
        base = GivenNoise(normal, uniform, 1)
        if own != order:
            joints = JointMixtures(joints.weights[:, :, order],
                                   joints.means[:, :, order],
                                   joints.stds[:, :, order])
        mixture = fit_pose_mixture(joints, self.num_components, base,
                                   self.covariance_type)
        model = pose_noise(mixture, noise)
        if own == order:
            return model
        return NoiseModel(
            model.center[..., own, :],
            lambda white: model.colour(white[..., order, :])[..., own, :])

    def _steps(self, noise: HypothesisNoise) -> List[Tensor]:
        """Steps (B, N, T) to train on in this iteration."""
        K = self.process.num_steps
        if isinstance(self.train_steps, str):
            like = noise.uniform_frames()
            return [torch.full_like(like, k).long() for k in range(1, K + 1)]
        return [
            training_steps(noise.uniform_frames(), K, self.step_exponent)
            for _ in range(self.train_steps)
        ]

    def loss(self,
             feats: LiftingContext,
             batch_data_samples: Sequence,
             train_cfg: Optional[dict] = None) -> dict:
        """Loss of Eq. 9, over all steps or drawn ones; of residuals that of
        ``ResidualSamplingHead.residual_loss``.

        The mean over steps, hypotheses, frames and joints stands for the
        paper's sum, so that the learning rate does not depend on N and K.

        Returns:
            dict: ``loss_diffusion``.
        """
        if self.diffusion is not None:
            return self.residual_loss(feats, batch_data_samples)
        coarse = feats.known_coarse()
        h0, weight = self.targets(batch_data_samples, coarse, coarse)
        mixtures = stack_mixtures(batch_data_samples, coarse)
        N = self.num_train_hypotheses
        noise = self.training_noise(batch_data_samples, h0, N)
        with torch.no_grad():
            joints = self.initial(feats, mixtures)
            model = self.noise_model(joints, noise)
            epsilon = model.colour(noise.normal())

        h0 = h0[:, None]
        weight = weight[:, None].expand(-1, N, -1, -1).flatten(0, 1)
        context = self.project(feats, joints)
        all_steps = self._steps(noise)
        total = h0.new_zeros(())
        for k in all_steps:
            h_k = self.process.diffuse(h0, k, epsilon, model.center)
            target = self.process.target(self.target, h0, k, epsilon,
                                         model.center).expand_as(h_k)
            pred = self.denoise(h_k, k, context, coarse)
            total = total + self.loss_module(
                pred.flatten(0, 1), target.flatten(0, 1), weight)
        return dict(loss_diffusion=total / len(all_steps))

    def reverse(self, context: LiftingContext, mixtures: Optional[Tensor],
                noise: HypothesisNoise, options: Mapping[str, Any],
                callback: Optional[Callback]) -> Tensor:
        """Take N samples of H_K back to poses; see :class:`SamplingHead`."""
        if self.diffusion is not None:
            return self.sample_residual(context, mixtures, noise, options,
                                        callback)
        coarse = context.known_coarse()
        N = options['num_hypotheses']
        joints = self.initial(context, mixtures)
        model = self.noise_model(joints, noise)
        center = model.center.expand(-1, N, *coarse.shape[1:])

        def draw() -> Tensor:
            return model.colour(noise.normal())

        return run(
            options['sampler'],
            self.bind(self.project(context, joints), coarse, N),
            center + draw(),
            self.process,
            num_sampling_steps=options['num_sampling_steps'],
            target=self.target,
            center=center,
            eta=options['eta'],
            noise=draw,
            clip=options['clip'],
            callback=callback)
