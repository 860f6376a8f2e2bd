# Copyright (c) mmdiffpose contributors. All rights reserved.
"""A denoiser network and the projection of the context that it reads."""

from typing import Optional

import torch
from torch import Tensor, nn

from mmdiffpose.diffusion.initial_distribution import (JointMixtures,
                                                       initial_distribution)
from mmdiffpose.models.denoisers.denoiser import (BoundDenoiser, Denoiser,
                                                  build_denoiser,
                                                  denoise_hypotheses)
from mmdiffpose.models.layers import Linear
from mmdiffpose.skeletons.metainfo import SkeletonLike
from .base import BaseLiftingHead, LiftingContext
from .depth_prior import DepthPrior


class DenoisingHead(BaseLiftingHead):
    """Base of the heads that run a denoiser on poses around H_K.

    Args:
        in_channels (int): Width C of the context encoder's features.
        denoiser (dict, optional): The network g, a
            :class:`~mmdiffpose.models.denoisers.Denoiser`. None for a head
            that knows H_K and has another network.
        num_steps (int): Diffusion steps K that it is asked for; 0 for a
            regressor.
        residual (bool): Whether poses that the network outputs are relative
            to the context encoder's pose. Defaults to True.
        pose_scale (float): Metres per unit of the network's input and
            output. Defaults to 0.25, about a joint's distance from the root
            per axis.
        condition_on_start (bool): Whether the network is told the moments of
            :math:`H_K`, beside f_ST. The paper's is not, although the best
            guess of h_0 depends on them: the noise differs from pose to
            pose, and only through them does the network see the 2D pose and
            how sure the detector was of it. Defaults to False.
        xy (str): Where x and y of :math:`H_K` come from, see
            :func:`~mmdiffpose.diffusion.initial_distribution`.
        std_scale (float): Factor on the stds of :math:`H_K`. Defaults to 1.
        depth (str): Where z of :math:`H_K` comes from. ``'context'``: the
            context encoder's pose and its residual std, which the paper
            found to converge faster. ``'histogram'``: each joint's depth over
            the training set, the same for every pose. Defaults to
            ``'context'``.
        depth_histogram (str, optional): The file for ``'histogram'``, of
            ``tools/dataset_converters/depth_histograms.py``. Training needs
            it, checkpoints hold what it says.
        depth_components (int): Gaussians for each joint's histogram, see
            :mod:`~mmdiffpose.diffusion.depth_histogram`. Defaults to 5.
        num_joints (int, optional): As in ``BaseLiftingHead``.
        root_index (int, optional): As there.
        decoder (dict, optional): The codec.
        init_cfg (dict, optional): Initialisation config.
        skeleton (str | dict | Skeleton, optional): As in ``BaseLiftingHead``.
    """

    reads_mixtures = True
    denoiser: Denoiser

    def __init__(self,
                 in_channels: int,
                 denoiser: Optional[dict],
                 num_steps: int,
                 residual: bool = True,
                 pose_scale: float = 0.25,
                 condition_on_start: bool = False,
                 xy: str = 'heatmap',
                 std_scale: float = 1.,
                 depth: str = 'context',
                 depth_histogram: Optional[str] = None,
                 depth_components: int = 5,
                 num_joints: Optional[int] = None,
                 root_index: Optional[int] = None,
                 decoder: Optional[dict] = None,
                 init_cfg: Optional[dict] = None,
                 skeleton: Optional[SkeletonLike] = None) -> None:
        super().__init__(num_joints, root_index, decoder, init_cfg, skeleton)
        if depth not in ('context', 'histogram'):
            raise ValueError("depth should be 'context' or 'histogram', got "
                             f'{depth!r}')
        if depth == 'context' and depth_histogram is not None:
            raise ValueError(f'depth_histogram={depth_histogram!r} is not '
                             "read unless depth='histogram'")
        if denoiser is not None:
            self.denoiser = build_denoiser(denoiser, num_steps, self.skeleton)
            self.context_proj = nn.Sequential(
                nn.LayerNorm(in_channels),
                Linear(in_channels, self.denoiser.context_channels))
            self.start_proj = (
                Linear(9, self.denoiser.context_channels)
                if condition_on_start else None)
        self.residual = residual
        self.pose_scale = pose_scale
        self.xy = xy
        self.std_scale = std_scale
        self.depth_prior = (None if depth == 'context' else DepthPrior(
            depth_histogram, self.num_joints, depth_components))

    def denoise(self,
                poses: Tensor,
                k: Tensor,
                context: Tensor,
                coarse: Tensor,
                network: Optional[Denoiser] = None) -> Tensor:
        """Run the network on all hypotheses in one batch.

        Args:
            poses (Tensor): Noisy poses, (B, N, T, J, 3), metres.
            k (Tensor): Steps, (B, N, T); a temporal denoiser takes each
                window's first.
            context (Tensor): Projected features, (B, T, J, C').
            coarse (Tensor): The context encoder's poses, (B, T, J, 3),
                metres.
            network (Denoiser, optional): One to run in place of the head's
                denoiser.

        Returns:
            Tensor: (B, N, T, J, 3), metres; relative to ``coarse`` is
            already undone.
        """
        network = self.denoiser if network is None else network
        reference = self._reference(coarse)
        output = denoise_hypotheses(network,
                                    (poses - reference) / self.pose_scale, k,
                                    context)
        return output * self.pose_scale + reference

    def bind(self, context: Tensor, coarse: Tensor,
             num_hypotheses: int) -> BoundDenoiser:
        """The network on N hypotheses per window, in metres, for a reverse
        process; arguments as for :meth:`denoise`."""
        reference = self._reference(coarse)
        network = self.denoiser.bind(context, num_hypotheses)

        def bound(poses: Tensor, k: Tensor) -> Tensor:
            output = network((poses - reference) / self.pose_scale, k)
            return output * self.pose_scale + reference

        return bound

    def _reference(self, coarse: Tensor) -> Tensor:
        """What the network's poses are relative to, (B, 1, T, J, 3)."""
        coarse = coarse[:, None]
        return coarse if self.residual else torch.zeros_like(coarse)

    def initial(self, context: LiftingContext,
                mixtures: Optional[Tensor]) -> JointMixtures:
        """H_K of B windows from their 2D mixtures (B, T, J, M, 5)."""
        return initial_distribution(
            *context.known_pose(),
            mixtures,
            self.xy,
            self.root_index,
            std_scale=self.std_scale,
            depths=None if self.depth_prior is None else self.depth_prior())

    def project(self, context: LiftingContext,
                joints: JointMixtures) -> Tensor:
        """What the denoiser is conditioned on, once per window.

        Args:
            context (LiftingContext): Of B windows.
            joints (JointMixtures): Their H_K.

        Returns:
            Tensor: (B, T, J, C').
        """
        projected = self.context_proj(context.features)
        if self.start_proj is None:
            return projected
        mean, std = joints.moments()
        offset = (mean - context.known_coarse())[..., :2]
        moments = torch.cat([mean, offset, std], dim=-1) / self.pose_scale
        weight = joints.weights.amax(dim=-1, keepdim=True)
        return projected + self.start_proj(
            torch.cat([moments, weight], dim=-1))
