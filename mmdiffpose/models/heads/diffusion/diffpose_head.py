# Copyright (c) mmdiffpose contributors. All rights reserved.
"""DiffPose: pose estimation as reverse diffusion from a mixture."""

from typing import List, Optional, Sequence, Union

import torch
from mmengine.structures import InstanceData
from torch import Tensor

from mmdiffpose.diffusion.aggregation import mean_pose, spread
from mmdiffpose.diffusion.initial_distribution import (JointMixtures,
                                                       NoiseModel,
                                                       fit_pose_mixture,
                                                       joint_noise, pose_noise)
from mmdiffpose.diffusion.noise import HypothesisNoise
from mmdiffpose.diffusion.process import (TARGETS, DiffusionProcess,
                                          training_steps)
from mmdiffpose.diffusion.samplers import Callback, ddim, ddpm
from mmdiffpose.diffusion.schedules import make_alphas
from mmdiffpose.models.heads.parts.base import (LiftingContext, flip_mixtures,
                                                flip_poses, stack_labels,
                                                stack_mixtures)
from mmdiffpose.models.heads.parts.denoising import DenoisingHead
from mmdiffpose.models.heads.parts.sampling_options import (sampling_options,
                                                            training_seeds)
from mmdiffpose.models.heads.parts.std_calibration import StdCalibration
from mmdiffpose.registry import MODELS

Features = Union[LiftingContext, List[LiftingContext]]

TEST_DEFAULTS = dict(
    num_hypotheses=5,
    sampler='ddim',
    num_sampling_steps=5,
    eta=0.,
    clip=None,
    seed=0,
    share_frames=True)
"""Keys of ``test_cfg`` that :class:`DiffPoseHead` reads."""


@MODELS.register_module()
class DiffPoseHead(DenoisingHead):
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

    Args:
        in_channels (int): Width C of the context encoder's features.
        denoiser (dict): The network g.
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
        **kwargs: Arguments of :class:`DenoisingHead`.
    """

    def __init__(self,
                 in_channels: int,
                 denoiser: dict,
                 num_steps: int = 50,
                 schedule: Optional[dict] = None,
                 target: str = 'previous',
                 start: str = 'gmm',
                 num_components: int = 5,
                 covariance_type: str = 'diag',
                 num_gmm_samples: int = 128,
                 standard_std: float = 0.25,
                 loss: Optional[dict] = None,
                 num_train_hypotheses: int = 1,
                 train_steps: Union[int, str] = 1,
                 step_exponent: float = 1.,
                 **kwargs) -> None:
        super().__init__(in_channels, denoiser, **kwargs)
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
        self.standard_std = standard_std
        self.num_train_hypotheses = num_train_hypotheses
        self.train_steps = train_steps
        self.step_exponent = step_exponent
        self.loss_module = MODELS.build(
            dict(type='mmdiffpose.SquaredErrorLoss') if loss is None else loss)
        # Counts training iterations, so that noise differs between them and
        # a resumed run draws what an uninterrupted one would have drawn.
        self.register_buffer('iteration', torch.tensor(0))
        self.std_calibration = StdCalibration(self.num_joints)

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
        base = HypothesisNoise([0],
                               self.num_gmm_samples,
                               1,
                               self.num_joints,
                               device=joints.means.device)
        mixture = fit_pose_mixture(joints, self.num_components, base,
                                   self.covariance_type)
        return pose_noise(mixture, noise)

    def _steps(self, noise: HypothesisNoise) -> List[Tensor]:
        """Steps (B, N, T) to train on in this iteration."""
        K = self.process.num_steps
        if self.train_steps == 'all':
            like = noise.uniform()[..., 0]
            return [torch.full_like(like, k).long() for k in range(1, K + 1)]
        return [
            training_steps(noise.uniform()[..., 0], K, self.step_exponent)
            for _ in range(self.train_steps)
        ]

    def loss(self,
             feats: LiftingContext,
             batch_data_samples: Sequence,
             train_cfg: Optional[dict] = None) -> dict:
        """Loss of Eq. 9, over all steps or drawn ones.

        The mean over steps, hypotheses, frames and joints stands for the
        paper's sum, so that the learning rate does not depend on N and K.

        Returns:
            dict: ``loss_diffusion``.
        """
        h0 = stack_labels(batch_data_samples, 'lifting_target_label',
                          feats.coarse)
        weight = stack_labels(batch_data_samples, 'lifting_target_weight',
                              feats.coarse)
        mixtures = stack_mixtures(batch_data_samples, feats.coarse)
        B, T, J, _ = h0.shape
        N = self.num_train_hypotheses
        seeds = training_seeds(self.iteration, batch_data_samples)
        self.iteration += 1
        noise = HypothesisNoise(seeds, N, T, J, device=h0.device)
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
            pred = self.denoise(h_k, k, context, feats.coarse)
            total = total + self.loss_module(
                pred.flatten(0, 1), target.flatten(0, 1), weight)
        return dict(loss_diffusion=total / len(all_steps))

    @torch.no_grad()
    def sample(self,
               context: LiftingContext,
               mixtures: Optional[Tensor] = None,
               seeds: Optional[Sequence[int]] = None,
               callback: Optional[Callback] = None,
               **options) -> Tensor:
        """Run the reverse process.

        Args:
            context (LiftingContext): Of B windows.
            mixtures (Tensor, optional): 2D mixtures (B, T, J, M', 5).
            seeds (Sequence[int], optional): One seed per window. Defaults to
                0..B-1.
            callback (Callable, optional): See ``diffusion.samplers``.
            **options: Values other than :data:`TEST_DEFAULTS`.

        Returns:
            Tensor: Hypotheses (B, N, T, J, 3), root-relative metres.
        """
        options = {**TEST_DEFAULTS, **options}
        B, T, J, _ = context.coarse.shape
        N = options['num_hypotheses']
        noise = HypothesisNoise(
            range(B) if seeds is None else seeds,
            N,
            T,
            J,
            share_frames=options['share_frames'],
            device=context.coarse.device)
        joints = self.initial(context, mixtures)
        model = self.noise_model(joints, noise)
        projected = self.project(context, joints)
        center = model.center.expand(B, N, T, J, 3)

        def draw() -> Tensor:
            return model.colour(noise.normal())

        def denoise(h_k: Tensor, k: Tensor) -> Tensor:
            steps = k[:, None, None].expand(B, N, T)
            return self.denoise(h_k, steps, projected, context.coarse)

        common = dict(
            target=self.target,
            center=center,
            noise=draw,
            clip=options['clip'],
            callback=callback)
        if options['sampler'] == 'ddim':
            poses = ddim(
                denoise,
                center + draw(),
                self.process,
                num_sampling_steps=options['num_sampling_steps'],
                eta=options['eta'],
                **common)
        elif options['sampler'] == 'ddpm':
            poses = ddpm(denoise, center + draw(), self.process, **common)
        else:
            raise ValueError("sampler should be 'ddim' or 'ddpm', got "
                             f'{options["sampler"]!r}')
        return self.to_root_relative(poses)

    def forward(self, feats: LiftingContext) -> Tensor:
        """Mean pose (B, T, J, 3) with the default options, metres."""
        return mean_pose(self.sample(feats))

    def predict(self,
                feats: Features,
                batch_data_samples: Sequence,
                test_cfg: Optional[dict] = None) -> List[InstanceData]:
        """Sample N hypotheses, average them and say how far off that may be.

        Args:
            feats (LiftingContext | list[LiftingContext]): Two where the
                lifter tests with flips: the windows and their mirror images.
            batch_data_samples (list[PoseDataSample]): B of them.
            test_cfg (dict, optional): See :data:`TEST_DEFAULTS`.

        Returns:
            list[InstanceData]: See :meth:`BaseLiftingHead.pack`. The std is
            the hypotheses' spread, calibrated where the checkpoint has a
            calibration. With one hypothesis it is the context encoder's.

        Raises:
            ValueError: For a key of ``test_cfg`` that nothing reads.
        """
        options, seeds = sampling_options(batch_data_samples, test_cfg,
                                          TEST_DEFAULTS)
        mirrored = None
        if isinstance(feats, list):
            feats, mirrored = feats
        mixtures = stack_mixtures(batch_data_samples, feats.coarse)
        hypotheses = self.sample(feats, mixtures, seeds, **options)
        coarse = feats.coarse
        if mirrored is not None:
            other = self.sample(mirrored, flip_mixtures(mixtures), seeds,
                                **options)
            hypotheses = (hypotheses + flip_poses(other)) / 2
            coarse = (coarse + flip_poses(mirrored.coarse)) / 2
        if hypotheses.shape[1] > 1:
            used = {**TEST_DEFAULTS, **options, 'flip': mirrored is not None}
            used.pop('seed')
            std = self.std_calibration(spread(hypotheses), used)
        else:
            std = feats.residual_std.square().mean(-1).sqrt().expand(
                coarse.shape[:-1])
        return self.pack(
            mean_pose(hypotheses), std, batch_data_samples, hypotheses, coarse)
