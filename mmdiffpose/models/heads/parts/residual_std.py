# Copyright (c) mmdiffpose contributors. All rights reserved.
"""How far off a regressor is on people that it has not seen."""

import torch
from torch import Tensor

UNMEASURED_STD = 0.1
"""Metres, until it is measured."""


class ResidualStdMixin:
    """Buffers that :class:`~mmdiffpose.engine.ResidualCalibrationHook` sets.

    ``residual_std`` (J, 3), metres, and whether it is ``calibrated``.
    """

    def add_residual_std(self, num_joints: int) -> None:
        """Register the buffers."""
        self.register_buffer('residual_std',
                             torch.full((num_joints, 3), UNMEASURED_STD))
        self.register_buffer('calibrated', torch.tensor(False))

    def set_residual_std(self, std: Tensor) -> None:
        """Store the measured residual std (J, 3), metres."""
        if std.shape != self.residual_std.shape:
            raise ValueError(
                f'residual std should have the shape '
                f'{tuple(self.residual_std.shape)}, got {tuple(std.shape)}')
        self.residual_std.copy_(std)
        self.calibrated.fill_(True)

    def joint_std(self) -> Tensor:
        """Std per axis of each joint, (J, ), metres."""
        return self.residual_std.square().mean(dim=-1).sqrt()
