# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Networks that know steps, as the F of scaled residuals."""

import math
from typing import Dict, Optional, Protocol, Sequence, cast, runtime_checkable

import torch
from mmengine.model import BaseModule
from torch import Tensor

from mmdiffpose.registry import MODELS
from mmdiffpose.skeletons import Skeleton
from ..layers import Linear
from .denoiser import (BaseDenoiser, BoundDenoiser, build_denoiser,
                       denoise_hypotheses, told_joints)
from .residual_mlp import BoundVelocity

NUM_STEPS = 50
"""Steps that stand for the angles from 0 to a right one, where the network
has no number of its own."""


@runtime_checkable
class VelocityNetwork(Protocol):
    """A network F of scaled residuals.

    Attributes:
        temporal: Whether all frames of a window are denoised together.
    """
    temporal: bool

    def __call__(self, z: Tensor, angle: Tensor, context: Tensor) -> Tensor:
        """F of states z (B, N, T, J, 3) at angles (B, N, T), radians, given
        a context (B, T, J, C)."""

    def bind(self, context: Tensor, angles: Sequence[float]) -> BoundVelocity:
        """F for a whole reverse process: of P frames (P, J, C), or of P
        windows (P, T, J, C) where the network is temporal; ``velocity(z (P,
        N, J, 3) or (P, N, T, J, 3), level)``."""


def build_velocity(config: dict,
                   context_channels: int,
                   num_joints: int,
                   skeleton: Optional[Skeleton] = None) -> VelocityNetwork:
    """Build F from a config of either kind.

    Args:
        config (dict): Of a network that takes angles, such as
            ``ResidualMLP``, or of one that takes steps, such as
            ``GCNAttention`` and ``CSDIGCN``, which is wrapped.
        context_channels (int): Channels C of the context.
        num_joints (int): J.
        skeleton (Skeleton, optional): The joints, where they are known.
    """
    config = told_joints(config, skeleton)
    kind = config['type']
    kind = MODELS.get(kind) if isinstance(kind, str) else kind
    if kind is not None and issubclass(kind, BaseDenoiser):
        return AngleDenoiser(config, context_channels, num_joints)
    return MODELS.build({
        **config, 'context_channels': context_channels,
        'num_joints': num_joints
    })


class AngleDenoiser(BaseModule):
    r"""DiffPose's and DiffHPE's own networks as F of scaled residuals.

    The context goes through a linear layer to the width that the network
    takes, once for all hypotheses, and the angle becomes a step between 1
    and K, :math:`k = 1 + (K - 1)\,\phi / (\pi / 2)`, not rounded.

    A temporal network sees all frames of a window. It is told one angle for
    all of them, each hypothesis' first.

    Args:
        network (dict): Of a
            :class:`~mmdiffpose.models.denoisers.denoiser.BaseDenoiser` of
            three coordinates.
        context_channels (int): Channels C of the context, per joint.
        num_joints (int): J.

    Raises:
        ValueError: For a network of other joints or coordinates, or one
            without a context.
    """

    def __init__(self, network: dict, context_channels: int,
                 num_joints: int) -> None:
        super().__init__()
        self.network = cast(BaseDenoiser, build_denoiser(network, 0))
        found = (self.network.num_joints, self.network.in_channels)
        if found != (num_joints, 3) or not self.network.context_channels:
            raise ValueError(
                f'{type(self.network).__name__} is of {found[0]} joints, '
                f'{found[1]} coordinates and {self.network.context_channels} '
                f'channels of context; {num_joints}, 3 and some are needed')
        self.temporal = self.network.temporal
        self.context_input = Linear(context_channels,
                                    self.network.context_channels)

    def step(self, angle: Tensor) -> Tensor:
        r"""Steps between 1 and K of angles :math:`\phi`, radians."""
        last = (self.network.num_steps or NUM_STEPS) - 1
        return 1 + last * angle / (math.pi / 2)

    def forward(self, z: Tensor, angle: Tensor, context: Tensor) -> Tensor:
        """See :class:`VelocityNetwork`."""
        return denoise_hypotheses(self.network, z, self.step(angle),
                                  self.context_input(context))

    def bind(self, context: Tensor, angles: Sequence[float]) -> BoundVelocity:
        """See :class:`VelocityNetwork`."""
        shared = self.context_input(context)
        if not self.temporal:
            shared = shared[:, None]
        steps = self.step(
            torch.tensor(
                angles[:-1], dtype=shared.dtype, device=shared.device))
        bound: Dict[int, BoundDenoiser] = {}

        def velocity(z: Tensor, level: int) -> Tensor:
            number = z.shape[1]
            if number not in bound:
                bound[number] = self.network.bind(shared, number)
            poses = z if self.temporal else z[:, :, None]
            return bound[number](poses, steps[level].expand(len(z))).view_as(z)

        return velocity
