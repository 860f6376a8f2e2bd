# Copyright (c) mmdiffpose contributors. All rights reserved.
"""A denoiser network and the projection of the context that it reads."""

from typing import Optional

import torch
from torch import Tensor, nn

from mmdiffpose.diffusion.initial_distribution import (JointMixtures,
                                                       initial_distribution)
from mmdiffpose.registry import MODELS
from .base import BaseLiftingHead, LiftingContext
from .depth_prior import DepthPrior

CPU_POSES = 256
"""Poses that a frame-wise denoiser is given at once on a CPU, in a test."""


class DenoisingHead(BaseLiftingHead):
    """Base of the heads that run a denoiser on noisy poses.

    Args:
        in_channels (int): Width C of the context encoder's features.
        denoiser (dict): The network g.
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
        num_joints (int): Number of joints J. Defaults to 17.
        root_index (int): The root joint. Defaults to 0.
        decoder (dict, optional): The codec.
        init_cfg (dict, optional): Initialisation config.
    """

    def __init__(self,
                 in_channels: int,
                 denoiser: dict,
                 residual: bool = True,
                 pose_scale: float = 0.25,
                 condition_on_start: bool = False,
                 xy: str = 'heatmap',
                 std_scale: float = 1.,
                 depth: str = 'context',
                 depth_histogram: Optional[str] = None,
                 depth_components: int = 5,
                 num_joints: int = 17,
                 root_index: int = 0,
                 decoder: Optional[dict] = None,
                 init_cfg: Optional[dict] = None) -> None:
        super().__init__(num_joints, root_index, decoder, init_cfg)
        if depth not in ('context', 'histogram'):
            raise ValueError("depth should be 'context' or 'histogram', got "
                             f'{depth!r}')
        if depth == 'context' and depth_histogram is not None:
            raise ValueError(f'depth_histogram={depth_histogram!r} is not '
                             "read unless depth='histogram'")
        self.denoiser = MODELS.build(denoiser)
        self.context_proj = nn.Sequential(
            nn.LayerNorm(in_channels),
            nn.Linear(in_channels, self.denoiser.context_channels))
        self.start_proj = (
            nn.Linear(9, self.denoiser.context_channels)
            if condition_on_start else None)
        self.residual = residual
        self.pose_scale = pose_scale
        self.xy = xy
        self.std_scale = std_scale
        self.depth_prior = (None if depth == 'context' else DepthPrior(
            depth_histogram, num_joints, depth_components))

    def denoise(self,
                poses: Tensor,
                k: Tensor,
                context: Tensor,
                coarse: Tensor,
                network: Optional[nn.Module] = None) -> Tensor:
        """Run the network on all hypotheses in one batch.

        Args:
            poses (Tensor): Noisy poses, (B, N, T, J, 3), metres.
            k (Tensor): Steps, (B, N, T); a temporal denoiser takes each
                window's first.
            context (Tensor): Projected features, (B, T, J, C').
            coarse (Tensor): The context encoder's poses, (B, T, J, 3),
                metres.
            network (nn.Module, optional): One to run in place of the head's
                denoiser.

        Returns:
            Tensor: (B, N, T, J, 3), metres; relative to ``coarse`` is
            already undone.
        """
        network = self.denoiser if network is None else network
        shape = poses.shape
        N = shape[1]
        coarse = coarse[:, None]
        reference = coarse if self.residual else torch.zeros_like(coarse)
        inputs = (poses - reference) / self.pose_scale
        context = context[:, None].expand(-1, N, -1, -1, -1)
        # A frame-wise denoiser sees each frame as a window of one.
        frames = shape[2] if network.temporal else 1
        steps = k[..., 0] if network.temporal else k
        arguments = (inputs.reshape(-1, frames, *shape[3:]), steps.reshape(-1),
                     context.reshape(-1, frames, *context.shape[3:]))
        # All hypotheses at once would not fit a CPU's cache.
        size = len(arguments[0])
        if poses.device.type == 'cpu' and not (network.temporal
                                               or torch.is_grad_enabled()):
            size = CPU_POSES
        parts = zip(*(argument.split(size) for argument in arguments))
        output = torch.cat([network(*part) for part in parts])
        return output.reshape(shape) * self.pose_scale + reference

    def initial(self, context: LiftingContext,
                mixtures: Optional[Tensor]) -> JointMixtures:
        """H_K of B windows from their 2D mixtures (B, T, J, M, 5)."""
        return initial_distribution(
            context.coarse,
            context.residual_std,
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
        offset = (mean - context.coarse)[..., :2]
        moments = torch.cat([mean, offset, std], dim=-1) / self.pose_scale
        weight = joints.weights.amax(dim=-1, keepdim=True)
        return projected + self.start_proj(
            torch.cat([moments, weight], dim=-1))
