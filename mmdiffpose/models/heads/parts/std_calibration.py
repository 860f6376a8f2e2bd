# Copyright (c) mmdiffpose contributors. All rights reserved.
"""From the spread of hypotheses to a standard deviation one can believe."""

import logging
import zlib
from typing import Any, Mapping

import torch
from mmengine.logging import print_log
from torch import Tensor, nn

from mmdiffpose.diffusion.tracing import is_traced
from mmdiffpose.models.layers import HostValue


class StdCalibration(nn.Module):
    r"""Each joint's predictive std, fitted on a validation split.

    .. math:: \sigma_j^2 = a_j^2 s_j^2 + b_j^2

    with the spread s of the hypotheses; see
    :mod:`~mmdiffpose.evaluation.functional.std_scaling` for the fit and
    :class:`~mmdiffpose.engine.StdCalibrationHook` for when it is made. Until
    then the spread is passed on as it is. Checkpoints from before there was
    such a module load as not fitted.

    Args:
        num_joints (int): Number of joints J.
    """

    optional_state = True
    """Checkpoints without these buffers load, as not fitted."""

    scale: Tensor
    floor: Tensor
    fitted: Tensor
    options: Tensor

    def __init__(self, num_joints: int) -> None:
        super().__init__()
        self.register_buffer('scale', torch.ones(num_joints))
        self.register_buffer('floor', torch.zeros(num_joints))
        self.register_buffer('fitted', torch.tensor(False))
        # What the hypotheses were sampled with when it was fitted.
        self.register_buffer('options', torch.tensor(0))
        self._fitted, self._options = HostValue(False), HostValue(0)
        self._last_options = 0
        self._warned = False

    def forward(self, spread: Tensor, options: Mapping[str, Any]) -> Tensor:
        """Predictive std.

        Args:
            spread (Tensor): Std per axis of the hypotheses, (..., J), metres.
            options (Mapping): What they were sampled with. A calibration holds
                for the options that it was fitted with; others are warned of.

        Returns:
            Tensor: (..., J), metres.
        """
        if not is_traced():
            self._last_options = _fingerprint(options)
        if not self._fitted.read(self.fitted):
            return spread
        if not is_traced():
            self._compare(options)
        # ONNX has no hypot.
        return ((self.scale * spread).square() + self.floor.square()).sqrt()

    def _compare(self, options: Mapping[str, Any]) -> None:
        """Warn once where the calibration is of other options."""
        known = self._options.read(self.options)
        if known == self._last_options or self._warned:
            return
        self._warned = True
        print_log(
            'keypoint_std was calibrated for other sampling options than '
            f'{dict(options)}; fit it anew with '
            'tools/analysis_tools/calibrate.py',
            logger='current',
            level=logging.WARNING)

    def set(self, scale: Tensor, floor: Tensor) -> None:
        """Store a fit to what was predicted last: (J,) each, metres."""
        for name, value in dict(scale=scale, floor=floor).items():
            buffer = getattr(self, name)
            value = torch.as_tensor(value)
            if value.shape != buffer.shape:
                raise ValueError(f'{name} should have the shape '
                                 f'{tuple(buffer.shape)}, got '
                                 f'{tuple(value.shape)}')
            if not bool((value.isfinite() & (value >= 0)).all()):
                raise ValueError(f'{name} should be finite and not negative, '
                                 f'got {value.tolist()}')
            buffer.copy_(value)
        self.fitted.fill_(True)
        self.options.fill_(self._last_options)
        self._warned = False

    def _load_from_state_dict(self, state_dict: dict, prefix: str, *args: Any,
                              **kwargs: Any) -> None:
        """Load; a checkpoint without these buffers resets them."""
        defaults = type(self)(len(self.scale)).state_dict()
        for name, value in defaults.items():
            state_dict.setdefault(prefix + name, value)
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)


def _fingerprint(options: Mapping[str, Any]) -> int:
    """A number for options, the same in every process; never 0."""
    text = repr(sorted((key, options[key]) for key in options))
    return zlib.crc32(text.encode()) + 1
