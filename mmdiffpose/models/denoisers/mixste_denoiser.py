# Copyright (c) mmdiffpose contributors. All rights reserved.
"""D3DP's denoiser: MixSTE that is told the noisy pose and the step."""

from typing import Callable, Optional

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmdiffpose.registry import MODELS
from mmdiffpose.skeletons import H36M_17
from ..encoders import MixSTE
from ..layers import sinusoidal_embedding


@MODELS.register_module()
class MixSTEDenoiser(BaseModule):
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
        num_steps (int): Diffusion steps; k is in 0..num_steps - 1. Defaults
            to 1000.
        mirror_average (bool): Whether sampling averages each estimate of the
            clean pose with that of the mirrored window, as D3DP's published
            figures do. Twice the work. Defaults to False.
        init_cfg (dict, optional): Initialisation config.
    """

    temporal = True
    """All frames of a window are denoised together."""

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
                 init_cfg: Optional[dict] = None) -> None:
        super().__init__(init_cfg=init_cfg)
        self.seq_len = seq_len
        self.context_channels = context_channels
        self.in_channels = in_channels
        self.embed_dims = embed_dims
        self.clip = clip
        self.num_steps = num_steps
        self.mirror_average = mirror_average
        self.trunk = MixSTE(
            seq_len,
            in_channels=context_channels + in_channels,
            embed_dims=embed_dims,
            depth=depth,
            num_heads=num_heads,
            mlp_ratio=mlp_ratio,
            drop_path_rate=drop_path_rate)
        self.step_mlp = nn.Sequential(
            nn.Linear(embed_dims, 2 * embed_dims), nn.GELU(),
            nn.Linear(2 * embed_dims, embed_dims))
        self.norm = nn.LayerNorm(embed_dims, eps=1e-5)
        self.linear = nn.Linear(embed_dims, in_channels)

    def forward(self, x_k: Tensor, k: Tensor, context: Tensor) -> Tensor:
        """Predict the clean pose.

        Args:
            x_k (Tensor): Noisy poses, (B, T, J, 3), metres.
            k (Tensor): Steps (B, ), counted from 0 as in the paper's code.
            context (Tensor): Screen-normalised joints,
                (B, T, J, ``context_channels``).

        Returns:
            Tensor: (B, T, J, 3), metres.

        Raises:
            ValueError: For windows of another shape than the network was
                built for.
        """
        joints = self.trunk.num_joints
        for name, value, channels in (('poses', x_k, self.in_channels),
                                      ('a context', context,
                                       self.context_channels)):
            expected = (self.seq_len, joints, channels)
            if value.ndim != 4 or tuple(value.shape[1:]) != expected:
                raise ValueError(
                    f'MixSTEDenoiser was built for {name} of shape (B, T, J, '
                    f'C) = (B, {", ".join(map(str, expected))}), but got '
                    f'{tuple(value.shape)}; seq_len of the dataset and of '
                    'the network should agree')
        if self.clip is not None:
            x_k = x_k.clamp(-self.clip, self.clip)
        step = sinusoidal_embedding(k, self.embed_dims).to(x_k.dtype)
        x = self.trunk.embed(torch.cat([context, x_k], dim=-1))
        x = self.trunk.encode(x + self.step_mlp(step)[:, None, None])
        return self.linear(self.norm(x))

    @torch.no_grad()
    def bind(self, context: Tensor,
             num_hypotheses: int) -> Callable[[Tensor, int], Tensor]:
        """A denoiser of N hypotheses per window for a whole reverse process.

        Args:
            context (Tensor): (B, T, J, ``context_channels``).
            num_hypotheses (int): N.

        Returns:
            Callable: ``bound(x_k (B, N, T, J, 3), k)`` with one step k for
            all poses, counted from 0.
        """
        context = context.repeat_interleave(num_hypotheses, dim=0)

        @torch.no_grad()
        def bound(x_k: Tensor, k: int) -> Tensor:
            poses = x_k.flatten(0, 1)
            steps = torch.full((len(poses), ), k, device=poses.device)
            output = self(poses, steps, context)
            if self.mirror_average:
                mirrored = self(_mirror(poses), steps, _mirror(context))
                output = (output + _mirror(mirrored)) / 2
            return output.reshape(x_k.shape)

        return bound


def _mirror(joints: Tensor) -> Tensor:
    """Negate x of (..., J, C), swap left and right."""
    mirrored = joints[..., list(H36M_17.flip_indices), :].clone()
    mirrored[..., 0] *= -1
    return mirrored
