# Copyright (c) mmdiffpose contributors. All rights reserved.
"""D3DP's denoiser: MixSTE that is told the noisy pose and the step."""

from typing import Optional

import torch
from torch import Tensor, nn

from mmdiffpose.registry import MODELS
from mmdiffpose.skeletons.metainfo import SkeletonLike, as_skeleton
from ..encoders import MixSTE
from ..layers import Linear, flip_poses, sinusoidal_embedding, zero_based
from .denoiser import BaseDenoiser, BoundDenoiser


@MODELS.register_module()
class MixSTEDenoiser(BaseDenoiser):
    """MixSTE on a 2D window and a noisy 3D one (D3DP).

    Shan et al., "Diffusion-Based 3D Human Pose Estimation with
    Multi-Hypothesis Aggregation", ICCV 2023: 2D and noisy 3D joints are
    concatenated and embedded together, an embedding of the step is added to
    every joint of every frame, MixSTE's blocks and regression head follow.
    The output is the clean pose. The defaults are those of the released
    weights: 34,835,459 parameters with 243 frames.

    Args:
        seq_len (int): Number of frames T, fixed by the position embedding.
            Defaults to 243.
        context_channels (int): Width of the context: 2 for 2D joints.
            Defaults to 2.
        in_channels (int): Coordinates of a pose. Defaults to 3.
        embed_dims (int): Width C. Defaults to 512.
        depth (int): Number of spatial and of temporal blocks. Defaults to 8.
        num_heads (int): Attention heads. Defaults to 8.
        mlp_ratio (float): Hidden width of the MLPs over C. Defaults to 2.
        drop_path_rate (float): Stochastic depth of the last block. Defaults
            to 0.1.
        clip (float, optional): Bound on the noisy pose's coordinates, metres,
            beyond which they are clamped. Defaults to 1.1, as released.
        num_steps (int): Diffusion steps; k is in 0..num_steps, see
            :mod:`~mmdiffpose.models.denoisers.denoiser`. Defaults to 1000.
        mirror_average (bool): Whether sampling averages each estimate of the
            clean pose with that of the mirrored window, as D3DP's published
            figures do. Twice the work. Defaults to False.
        skeleton (str | dict | Skeleton): The joints and their mirror. Defaults
            to Human3.6M-17.
        init_cfg (dict, optional): Initialisation config.
    """

    def __init__(self,
                 seq_len: int = 243,
                 context_channels: int = 2,
                 in_channels: int = 3,
                 embed_dims: int = 512,
                 depth: int = 8,
                 num_heads: int = 8,
                 mlp_ratio: float = 2.,
                 drop_path_rate: float = 0.1,
                 clip: Optional[float] = 1.1,
                 num_steps: int = 1000,
                 mirror_average: bool = False,
                 skeleton: SkeletonLike = 'h36m',
                 init_cfg: Optional[dict] = None) -> None:
        super().__init__(init_cfg=init_cfg)
        self.seq_len = seq_len
        self.context_channels = context_channels
        self.in_channels = in_channels
        self.embed_dims = embed_dims
        self.clip = clip
        self.num_steps = num_steps
        self.mirror_average = mirror_average
        self.skeleton = as_skeleton(skeleton)
        self.trunk = MixSTE(
            seq_len,
            self.skeleton.num_joints,
            in_channels=context_channels + in_channels,
            embed_dims=embed_dims,
            depth=depth,
            num_heads=num_heads,
            mlp_ratio=mlp_ratio,
            drop_path_rate=drop_path_rate)
        self.num_joints = self.trunk.num_joints
        self.step_mlp = nn.Sequential(
            Linear(embed_dims, 2 * embed_dims), nn.GELU(),
            Linear(2 * embed_dims, embed_dims))
        self.norm = nn.LayerNorm(embed_dims, eps=1e-5)
        self.linear = Linear(embed_dims, in_channels)

    def forward(self, x_k: Tensor, k: Tensor, context: Tensor) -> Tensor:
        """Predict the clean pose.

        Args:
            x_k (Tensor): Noisy poses, (B, T, J, 3), metres.
            k (Tensor): Steps (B, ) in 0..num_steps; the paper's code counts
                them from 0, so that its t is k - 1.
            context (Tensor): Screen-normalised joints,
                (B, T, J, ``context_channels``).

        Returns:
            Tensor: (B, T, J, 3), metres.

        Raises:
            ValueError: For windows of another shape than the network was
                built for.
        """
        self.check('poses', x_k, self.in_channels)
        self.check('a context', context, self.context_channels)
        if self.clip is not None:
            x_k = x_k.clamp(-self.clip, self.clip)
        step = sinusoidal_embedding(zero_based(k), self.embed_dims)
        step = step.to(x_k.dtype)
        x = self.trunk.embed(torch.cat([context, x_k], dim=-1))
        x = self.trunk.encode(x + self.step_mlp(step)[:, None, None])
        return self.linear(self.norm(x))

    @torch.no_grad()
    def bind(self, context: Tensor, num_hypotheses: int) -> BoundDenoiser:
        """See :class:`~mmdiffpose.models.denoisers.Denoiser`; here is what
        ``mirror_average`` says."""
        bound = super().bind(context, num_hypotheses)
        if not self.mirror_average:
            return bound
        order = self.skeleton.flip_indices
        in_mirror = super().bind(flip_poses(context, order), num_hypotheses)

        @torch.no_grad()
        def averaged(x_k: Tensor, k: Tensor) -> Tensor:
            mirrored = in_mirror(flip_poses(x_k, order), k)
            mirrored = flip_poses(mirrored, order)
            return (bound(x_k, k) + mirrored) / 2

        return averaged
