# Copyright (c) mmdiffpose contributors. All rights reserved.
"""A light denoiser of whole poses: an MLP that context and noise modulate."""

import math
from typing import Callable, List, Optional, Sequence

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmdiffpose.diffusion.preconditioning import noise_condition
from mmdiffpose.registry import MODELS
from ..layers import FullPrecisionLinear, GatedBlock, Linear

BoundVelocity = Callable[[Tensor, int], Tensor]
"""``velocity(z (P, N, J, 3), level)`` returns F of that shape."""

NOISE_FEATURES = 16
"""Sines, and as many cosines, of the noise's condition."""


@MODELS.register_module()
class ResidualMLP(BaseModule):
    r"""The network F of scaled residuals, frame by frame.

    Three residual blocks with gated units on the pose as one vector of 3J
    numbers. Each block is modulated (FiLM) by the context of all joints, one
    linear map, and by the noise. Both are sums, :math:`\gamma = 1 +
    \gamma_c(c) + \gamma_\sigma(\sigma)`, so that in sampling the context's
    share is computed once per frame and the noise's once per level, and what
    is left per hypothesis and evaluation are the blocks' own products: 3W²
    multiplications a block, 0.16 M in all at the default width.

    The output layer starts at zero: with F = 0 the samples are those of a
    Gaussian with the regression's mean and std.

    Args:
        context_channels (int): Channels C of the context, per joint.
        num_joints (int): J. Defaults to 17.
        width (int): W. Defaults to 128.
        num_blocks (int): Defaults to 3.
        init_cfg (dict, optional): Initialisation config.
    """

    temporal = False
    """Frames are independent of each other given the context."""

    def __init__(self,
                 context_channels: int,
                 num_joints: int = 17,
                 width: int = 128,
                 num_blocks: int = 3,
                 init_cfg: Optional[dict] = None) -> None:
        super().__init__(init_cfg=init_cfg)
        self.context_channels = context_channels
        self.num_joints = num_joints
        self.width = width
        films = 2 * num_blocks * width
        self.input = Linear(3 * num_joints, width)
        self.context_input = Linear(num_joints * context_channels, width)
        self.context_film = Linear(width, films)
        self.noise_input = Linear(2 * NOISE_FEATURES, width)
        self.noise_film = Linear(width, films, bias=False)
        self.blocks = nn.ModuleList(
            GatedBlock(width, modulated=True) for _ in range(num_blocks))
        self.norm = nn.LayerNorm(width)
        self.output = FullPrecisionLinear(width, 3 * num_joints)
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    def modulate_by_context(self, context: Tensor) -> Tensor:
        """The context's share of the modulation, once per frame.

        Args:
            context (Tensor): (..., J, C).

        Returns:
            Tensor: (..., blocks * 2 * W).

        Raises:
            ValueError: For another number of joints or channels.
        """
        expected = (self.num_joints, self.context_channels)
        if context.shape[-2:] != expected:
            raise ValueError(
                'the denoiser was built for a context (..., J, C) with J, C = '
                f'{expected}, got {tuple(context.shape)}')
        return self.context_film(
            F.silu(self.context_input(context.flatten(-2))))

    def modulate_by_noise(self, angle: Tensor) -> Tensor:
        r"""The noise's share of the modulation, once per level.

        Args:
            angle (Tensor): :math:`\phi`, radians, any shape.

        Returns:
            Tensor: (..., blocks * 2 * W).
        """
        condition = noise_condition(angle)[..., None]
        # ln(sigma) / 4 spans about [-1.5, 1] from sigma 0.002 to 80.
        frequencies = torch.logspace(
            -1, 1, NOISE_FEATURES, 2., device=angle.device) * math.pi / 2
        waves = condition * frequencies.to(condition)
        features = torch.cat([waves.sin(), waves.cos()], dim=-1)
        return self.noise_film(F.silu(self.noise_input(features)))

    def _films(self, film: Tensor) -> List[Tensor]:
        """Scale and shift of each block in turn."""
        chunks = list(film.split(self.width, dim=-1))
        chunks[0::2] = [1 + scale for scale in chunks[0::2]]
        return chunks

    def _blocks(self, state: Tensor, films: Sequence[Tensor]) -> Tensor:
        """The products that remain: (..., 3J) to (..., 3J)."""
        x = self.input(state)
        for block, scale, shift in zip(self.blocks, films[0::2], films[1::2]):
            x = block(x, scale, shift)
        return self.output(self.norm(x))

    def forward(self, z: Tensor, angle: Tensor, context: Tensor) -> Tensor:
        r"""F of noisy residuals.

        Args:
            z (Tensor): States, (B, N, T, J, 3).
            angle (Tensor): :math:`\phi` of each, (B, N, T), radians.
            context (Tensor): (B, T, J, C), once for all N.

        Returns:
            Tensor: (B, N, T, J, 3).

        Raises:
            ValueError: For another number of joints or channels.
        """
        film = (
            self.modulate_by_context(context)[:, None] +
            self.modulate_by_noise(angle))
        return self._blocks(z.flatten(-2), self._films(film)).view_as(z)

    def bind(self, context: Tensor, angles: Sequence[float]) -> BoundVelocity:
        r"""F of P frames for a whole reverse process.

        Gives what ``forward`` gives, with all that depends on neither the
        hypothesis nor its state computed here.

        Args:
            context (Tensor): Of P frames, (P, J, C).
            angles (Sequence[float]): Of all levels, radians; the last, 0, is
                where sampling ends and is not evaluated.

        Returns:
            Callable: ``velocity(z (P, N, J, 3), level)``.
        """
        shared = self.modulate_by_context(context)[:, None]
        levels = self.modulate_by_noise(
            torch.tensor(
                angles[:-1], dtype=shared.dtype, device=shared.device))
        films = [self._films(shared + level) for level in levels]

        def velocity(z: Tensor, level: int) -> Tensor:
            return self._blocks(z.flatten(-2), films[level]).view_as(z)

        return velocity
