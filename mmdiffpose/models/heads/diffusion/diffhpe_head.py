# Copyright (c) mmdiffpose contributors. All rights reserved.
"""DiffHPE: pose lifting as conditional denoising diffusion."""

from typing import List, Optional, Sequence, Union

import torch
from mmengine.structures import InstanceData
from torch import Tensor

from mmdiffpose.diffusion.aggregation import mean_pose, spread
from mmdiffpose.diffusion.noise import HypothesisNoise
from mmdiffpose.diffusion.process import DiffusionProcess, training_steps
from mmdiffpose.diffusion.samplers import Callback, ddim, ddpm
from mmdiffpose.diffusion.schedules import make_alphas
from mmdiffpose.models.heads.parts.aggregating import aggregate
from mmdiffpose.models.heads.parts.base import (BaseLiftingHead,
                                                LiftingContext, flip_poses,
                                                stack_labels)
from mmdiffpose.models.heads.parts.residual_std import UNMEASURED_STD
from mmdiffpose.models.heads.parts.sampling_options import (sampling_options,
                                                            training_seeds)
from mmdiffpose.models.heads.parts.std_calibration import StdCalibration
from mmdiffpose.registry import MODELS

TEST_DEFAULTS = dict(
    num_hypotheses=5,
    sampler='ddpm',
    num_sampling_steps=10,
    eta=0.,
    clip=None,
    seed=0,
    share_frames=False,
    aggregation='mean')
"""Keys of ``test_cfg`` that :class:`DiffHPEHead` reads. ``num_sampling_steps``
and ``eta`` are DDIM's; ancestral sampling takes all K steps. ``clip`` bounds
each coordinate of the estimated pose, metres."""


@MODELS.register_module()
class DiffHPEHead(BaseLiftingHead):
    r"""DiffHPE (Rommel et al., ICCVW 2023, Sec. 3).

    A standard diffusion of root-relative poses in metres, from
    :math:`N(0, I)`, with a denoiser that sees the context beside the noisy
    pose at its input. With ``IdentityContext`` (the 2D keypoints) it is
    DiffHPE-2D (Eq. 8-9), with a frozen MixSTE and ``pose_channels`` of the
    denoiser, which embed the noisy pose (:math:`w_\theta`), DiffHPE-Wrapper
    (Eq. 10-12). The Wrapper's context is what the encoder's own linear layer
    sees, behind its LayerNorm.

    Sampling is ancestral over all K steps, as published, or by DDIM. All
    hypotheses go through the network in one batch; the context, and all of
    the network that depends on neither pose nor step, is computed once per
    window (:meth:`CSDIDenoiser.bind <mmdiffpose.models.denoisers.csdi.\
CSDIDenoiser.bind>`).

    Far from the pose, an error of the predicted noise comes back in the
    estimated pose 30 times as large. Ancestral sampling forgets it, DDIM with
    ``eta=0`` does not. On mocap-mini (validation split, every fifth window,
    one seed, a small DiffHPE-2D after 10 epochs, MPJPE in mm) all 50 steps
    gave 139.4, and 131.6 with ``clip=1.1``, D3DP's bound; ten steps of DDIM
    gave 406.6 with neither, 209.4 with ``clip``, 175.1 with ``eta=1``, 138.5
    with both.

    Args:
        denoiser (dict): The network, ``CSDIGCN`` or ``CSDITransformer``.
        num_steps (int): Diffusion steps K. Defaults to 50.
        schedule (dict, optional): Name ``type`` and parameters. Defaults to
            the released code's cosine schedule with betas up to 0.5.
        target (str): What the network predicts: ``'epsilon'`` as published,
            or ``'sample'``.
        step_exponent (float): Below 1, training draws noisy steps more often
            (:func:`~mmdiffpose.diffusion.process.training_steps`). Defaults
            to 1, all steps alike, as published.
        loss (dict, optional): Defaults to the mean of squares over all
            coordinates, the root's included.
        num_joints (int): Number of joints J. Defaults to 17.
        root_index (int): The root joint. Defaults to 0.
        decoder (dict, optional): The codec.
        init_cfg (dict, optional): Initialisation config.

    Raises:
        ValueError: For an unknown target, or a denoiser built for fewer
            steps.
    """

    normalized_context = True
    works_without_coarse = True

    def __init__(self,
                 denoiser: dict,
                 num_steps: int = 50,
                 schedule: Optional[dict] = None,
                 target: str = 'epsilon',
                 step_exponent: float = 1.,
                 loss: Optional[dict] = None,
                 num_joints: int = 17,
                 root_index: int = 0,
                 decoder: Optional[dict] = None,
                 init_cfg: Optional[dict] = None) -> None:
        super().__init__(num_joints, root_index, decoder, init_cfg)
        if target not in ('epsilon', 'sample'):
            raise ValueError("target should be 'epsilon' or 'sample', got "
                             f'{target!r}')
        self.denoiser = MODELS.build(denoiser)
        if self.denoiser.num_steps < num_steps:
            raise ValueError(
                f'the denoiser was built for num_steps='
                f'{self.denoiser.num_steps}, the head for {num_steps}')
        schedule = dict(schedule or dict(type='cosine', max_beta=0.5))
        self.process = DiffusionProcess(
            make_alphas(schedule.pop('type'), num_steps, **schedule))
        self.target = target
        self.step_exponent = step_exponent
        if loss is None:
            loss = dict(type='mmdiffpose.SquaredErrorLoss', loss_weight=1 / 3)
        self.loss_module = MODELS.build(loss)
        # As in DiffPoseHead: noise differs between iterations.
        self.register_buffer('iteration', torch.tensor(0))
        self.std_calibration = StdCalibration(num_joints)

    def loss(self,
             feats: LiftingContext,
             batch_data_samples: Sequence,
             train_cfg: Optional[dict] = None) -> dict:
        """Squared error of the predicted noise (Sec. 3.4).

        Returns:
            dict: ``loss_diffusion``.
        """
        x_0 = stack_labels(batch_data_samples, 'lifting_target_label',
                           feats.features)
        weight = stack_labels(batch_data_samples, 'lifting_target_weight',
                              feats.features)
        seeds = training_seeds(self.iteration, batch_data_samples)
        self.iteration += 1
        noise = HypothesisNoise(seeds, 1, *x_0.shape[1:3], device=x_0.device)
        k = training_steps(noise.uniform()[:, 0, 0, 0], self.process.num_steps,
                           self.step_exponent)
        epsilon = noise.normal()[:, 0]
        x_k = self.process.diffuse(x_0, k, epsilon)
        target = self.process.target(self.target, x_0, k, epsilon, 0.)
        # The network's own steps count from 0.
        prediction = self.denoiser(x_k, k - 1, feats.features)
        return dict(
            loss_diffusion=self.loss_module(prediction, target, weight))

    @torch.no_grad()
    def sample(self,
               context: LiftingContext,
               mixtures: Optional[Tensor] = None,
               seeds: Optional[Sequence[int]] = None,
               callback: Optional[Callback] = None,
               **options) -> Tensor:
        """Run the reverse process (Sec. 3.5).

        Args:
            context (LiftingContext): Of B windows.
            mixtures (Tensor, optional): Unused; the start is N(0, I).
            seeds (Sequence[int], optional): One seed per window. Defaults to
                0..B-1.
            callback (Callable, optional): See ``diffusion.samplers``.
            **options: Values other than :data:`TEST_DEFAULTS`.

        Returns:
            Tensor: Hypotheses (B, N, T, J, 3), root-relative metres.
        """
        options = {**TEST_DEFAULTS, **options}
        features = context.features
        B, T, J, _ = features.shape
        N = options['num_hypotheses']
        noise = HypothesisNoise(
            range(B) if seeds is None else seeds,
            N,
            T,
            J,
            share_frames=options['share_frames'],
            device=features.device)
        network = self.denoiser.bind(features, N)

        def denoise(x_k: Tensor, k: Tensor) -> Tensor:
            return network(x_k, int(k[0]) - 1)

        common = dict(
            target=self.target,
            noise=noise.normal,
            clip=options['clip'],
            callback=callback)
        if options['sampler'] == 'ddpm':
            poses = ddpm(denoise, noise.normal(), self.process, **common)
        elif options['sampler'] == 'ddim':
            poses = ddim(
                denoise,
                noise.normal(),
                self.process,
                num_sampling_steps=options['num_sampling_steps'],
                eta=options['eta'],
                **common)
        else:
            raise ValueError("sampler should be 'ddpm' or 'ddim', got "
                             f'{options["sampler"]!r}')
        return self.to_root_relative(poses)

    def forward(self, feats: LiftingContext) -> Tensor:
        """Mean pose (B, T, J, 3) with the default options, metres."""
        return mean_pose(self.sample(feats))

    def predict(self,
                feats: Union[LiftingContext, List[LiftingContext]],
                batch_data_samples: Sequence,
                test_cfg: Optional[dict] = None) -> List[InstanceData]:
        """Sample N hypotheses, aggregate them and say how far off they are.

        Args:
            feats (LiftingContext | list[LiftingContext]): Two where the
                lifter tests with flips.
            batch_data_samples (list[PoseDataSample]): B of them.
            test_cfg (dict, optional): See :data:`TEST_DEFAULTS`.

        Returns:
            list[InstanceData]: See :meth:`BaseLiftingHead.pack`. The std is
            the hypotheses' spread, calibrated where the checkpoint has a
            calibration.

        Raises:
            ValueError: For a key of ``test_cfg`` that nothing reads.
        """
        options, seeds = sampling_options(batch_data_samples, test_cfg,
                                          TEST_DEFAULTS)
        mirrored = None
        if isinstance(feats, list):
            feats, mirrored = feats
        hypotheses = self.sample(feats, seeds=seeds, **options)
        coarse = feats.coarse
        if mirrored is not None:
            other = self.sample(mirrored, seeds=seeds, **options)
            hypotheses = (hypotheses + flip_poses(other)) / 2
            if coarse is not None:
                coarse = (coarse + flip_poses(mirrored.coarse)) / 2
        used = {**TEST_DEFAULTS, **options, 'flip': mirrored is not None}
        used.pop('seed')
        poses = aggregate(hypotheses, batch_data_samples, used['aggregation'])
        return self.pack(poses, self._std(hypotheses, feats, used),
                         batch_data_samples, hypotheses, coarse)

    def _std(self, hypotheses: Tensor, feats: LiftingContext,
             used: dict) -> Tensor:
        """Predictive std (B, T, J), metres.

        One hypothesis has no spread: its std is the context encoder's, or, as
        for an encoder that is not measured yet, 0.1 m.
        """
        if hypotheses.shape[1] > 1:
            return self.std_calibration(spread(hypotheses), used)
        shape = (*hypotheses[:, 0].shape[:-1], )
        if feats.residual_std is None:
            return hypotheses.new_full(shape, UNMEASURED_STD)
        return feats.residual_std.square().mean(-1).sqrt().expand(shape)
