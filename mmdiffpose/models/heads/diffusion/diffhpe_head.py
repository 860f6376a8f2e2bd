# Copyright (c) mmdiffpose contributors. All rights reserved.
"""DiffHPE: pose lifting as conditional denoising diffusion."""

from typing import Any, Mapping, Optional, Sequence

from torch import Tensor

from mmdiffpose.diffusion.noise import HypothesisNoise
from mmdiffpose.diffusion.process import (DiffusionProcess, Target,
                                          training_steps)
from mmdiffpose.diffusion.samplers import Callback
from mmdiffpose.diffusion.sampling import run
from mmdiffpose.diffusion.schedules import make_alphas
from mmdiffpose.models.denoisers.denoiser import Denoiser, build_denoiser
from mmdiffpose.models.heads.parts.base import LiftingContext
from mmdiffpose.models.heads.parts.residual_sampling import (
    ResidualSamplingHead, refuse_unread, with_denoiser)
from mmdiffpose.registry import MODELS
from mmdiffpose.skeletons.metainfo import SkeletonLike

TEST_DEFAULTS = dict(
    num_hypotheses=5,
    sampler='ddpm',
    num_sampling_steps=10,
    eta=0.,
    clip=None,
    seed=0,
    share_frames=False,
    aggregation='mean')
"""Keys of ``test_cfg`` that :class:`DiffHPEHead` reads. ``sampler`` is one of
:data:`~mmdiffpose.diffusion.sampling.SAMPLERS`; ``eta`` is DDIM's, and
ancestral sampling, ``'ddpm'``, takes all K steps. ``clip`` bounds each
coordinate of the estimated pose, metres."""


@MODELS.register_module()
class DiffHPEHead(ResidualSamplingHead):
    r"""DiffHPE (Rommel et al., ICCVW 2023, Sec. 3).

    A standard diffusion of root-relative poses in metres, from
    :math:`N(0, I)`, with a denoiser that sees the context beside the noisy
    pose at its input. With ``IdentityContext`` (the 2D keypoints) it is
    DiffHPE-2D (Eq. 8-9), with a frozen MixSTE and ``pose_channels`` of the
    denoiser, which embed the noisy pose (:math:`w_\theta`), DiffHPE-Wrapper
    (Eq. 10-12). The Wrapper's context is what the encoder's own linear layer
    sees, behind its LayerNorm.

    Sampling is ancestral over all K steps, as published, or by DDIM or
    another sampler. All hypotheses go through the network in one batch; the
    context, and all of the network that depends on neither pose nor step, is
    computed once per window (:meth:`CSDIDenoiser.bind
    <mmdiffpose.models.denoisers.csdi.CSDIDenoiser.bind>`).

    Far from the pose, an error of the predicted noise comes back in the
    estimated pose 30 times as large. Ancestral sampling forgets it, DDIM with
    ``eta=0`` does not. On mocap-mini (validation split, every fifth window,
    one seed, a small DiffHPE-2D after 10 epochs, MPJPE in mm) all 50 steps
    gave 139.4, and 131.6 with ``clip=1.1``, D3DP's bound; ten steps of DDIM
    gave 406.6 with neither, 209.4 with ``clip``, 175.1 with ``eta=1``, 138.5
    with both.

    **Residuals.** With ``residual_diffusion`` the head first regresses a
    refined pose and its std and diffuses the residual in units of that std,
    from N(0, 1 + ``sigma_max``\ :sup:`2`)
    (:class:`~mmdiffpose.models.heads.parts.residual_sampling.ResidualSamplingHead`).
    DiffHPE-2D, whose context has no pose, takes the first one from a network
    of its own (``regression``): the same network in a single pass, the
    control of :class:`DenoiserRegressionHead`. Its last features are what the
    other networks see, gradients stopped.

    Args:
        denoiser (dict): The network, ``CSDIGCN`` or ``CSDITransformer``. With
            ``residual_diffusion`` a ``ResidualMLP`` will do, too.
        num_steps (int): Diffusion steps K. Defaults to 50.
        schedule (dict, optional): Name ``type`` and parameters. Defaults to
            the released code's cosine schedule with betas up to 0.5.
        target (str): What the network predicts: ``'epsilon'`` as published,
            or ``'sample'``.
        step_exponent (float): Below 1, training draws noisy steps more often
            (:func:`~mmdiffpose.diffusion.process.training_steps`). Defaults
            to 1, all steps alike, as published.
        loss (dict, optional): Defaults to the mean of squares over all
            coordinates, the root's included; of residuals' poses, to MPJPE.
        residual_diffusion (dict, optional): Arguments of
            ``ResidualSamplingHead.diffuse_residual``;
            of the options above ``denoiser`` and ``loss`` are read then.
            Defaults to None: as published.
        num_joints (int, optional): As in ``BaseLiftingHead``.
        root_index (int, optional): As there.
        decoder (dict, optional): The codec.
        init_cfg (dict, optional): Initialisation config.
        skeleton (str | dict | Skeleton, optional): As in ``BaseLiftingHead``.

    Raises:
        ValueError: For an unknown target, a denoiser built for fewer
            steps, or options that are not read.
    """

    normalized_context = True
    works_without_coarse = True
    test_defaults = TEST_DEFAULTS
    denoiser: Denoiser

    def __init__(self,
                 denoiser: dict,
                 num_steps: int = 50,
                 schedule: Optional[dict] = None,
                 target: Target = 'epsilon',
                 step_exponent: float = 1.,
                 loss: Optional[dict] = None,
                 residual_diffusion: Optional[dict] = None,
                 num_joints: Optional[int] = None,
                 root_index: Optional[int] = None,
                 decoder: Optional[dict] = None,
                 init_cfg: Optional[dict] = None,
                 skeleton: Optional[SkeletonLike] = None) -> None:
        given = dict(locals())
        super().__init__(num_joints, root_index, decoder, init_cfg, skeleton)
        if residual_diffusion is not None:
            refuse_unread(
                DiffHPEHead, given, 'denoiser loss residual_diffusion '
                'num_joints root_index decoder init_cfg skeleton')
            self.diffuse_residual(
                **{
                    'loss':
                    loss,
                    **residual_diffusion, 'diffusion':
                    with_denoiser(residual_diffusion, denoiser)
                })
            return
        if target not in ('epsilon', 'sample'):
            raise ValueError("target should be 'epsilon' or 'sample', got "
                             f'{target!r}')
        self.denoiser = build_denoiser(denoiser, num_steps, self.skeleton)
        schedule = dict(schedule or dict(type='cosine', max_beta=0.5))
        self.process = DiffusionProcess(
            make_alphas(schedule.pop('type'), num_steps, **schedule))
        self.target = target
        self.step_exponent = step_exponent
        if loss is None:
            loss = dict(type='mmdiffpose.SquaredErrorLoss', loss_weight=1 / 3)
        self.loss_module = MODELS.build(loss)

    def loss(self,
             feats: LiftingContext,
             batch_data_samples: Sequence,
             train_cfg: Optional[dict] = None) -> dict:
        """Squared error of the predicted noise (Sec. 3.4); of residuals that
        of ``ResidualSamplingHead.residual_loss``.

        Returns:
            dict: ``loss_diffusion``.
        """
        if self.diffusion is not None:
            return self.residual_loss(feats, batch_data_samples)
        x_0, weight = self.targets(batch_data_samples, feats.features,
                                   feats.coarse)
        noise = self.training_noise(batch_data_samples, x_0)
        k = training_steps(noise.uniform_frames()[:, 0, 0],
                           self.process.num_steps, self.step_exponent)
        epsilon = noise.normal()[:, 0]
        x_k = self.process.diffuse(x_0, k, epsilon)
        target = self.process.target(self.target, x_0, k, epsilon, 0.)
        prediction = self.denoiser(x_k, k, feats.features)
        return dict(
            loss_diffusion=self.loss_module(prediction, target, weight))

    def reverse(self, context: LiftingContext, mixtures: Optional[Tensor],
                noise: HypothesisNoise, options: Mapping[str, Any],
                callback: Optional[Callback]) -> Tensor:
        """Take N draws of N(0, I) back to poses (Sec. 3.5); see
        :class:`SamplingHead`."""
        if self.diffusion is not None:
            return self.sample_residual(context, mixtures, noise, options,
                                        callback)
        return run(
            options['sampler'],
            self.denoiser.bind(context.features, options['num_hypotheses']),
            noise.normal(),
            self.process,
            num_sampling_steps=options['num_sampling_steps'],
            target=self.target,
            eta=options['eta'],
            noise=noise.normal,
            clip=options['clip'],
            callback=callback)
