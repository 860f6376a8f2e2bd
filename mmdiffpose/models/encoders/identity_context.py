# Copyright (c) mmdiffpose contributors. All rights reserved.
"""No context encoder: the 2D keypoints themselves."""

from typing import Optional, Tuple

from mmengine.model import BaseModule
from torch import Tensor

from mmdiffpose.registry import MODELS
from ..layers import standardize_window


@MODELS.register_module()
class IdentityContext(BaseModule):
    """Context encoder without weights: DiffHPE-2D's condition.

    Args:
        seq_len (int, optional): Number of frames T. Defaults to None: any;
            the denoiser checks.
        standardize (bool): Whether to centre each window at its mean position
            and divide it by its size, see
            :class:`~mmdiffpose.models.MixSTE`. Published is without.
            Defaults to False.
        init_cfg (dict, optional): Initialisation config.
    """

    causal = False
    """Every frame sees its past and its future (read by MMPose)."""

    def __init__(self,
                 seq_len: Optional[int] = None,
                 standardize: bool = False,
                 init_cfg: Optional[dict] = None) -> None:
        super().__init__(init_cfg=init_cfg)
        self.seq_len = seq_len
        self.standardize = standardize

    def forward(self, x2d: Tensor) -> Tuple[Tensor]:
        """Return the input.

        Args:
            x2d (Tensor): Screen-normalised joints, shape (B, T, J, 2), or
                with the codec's mask channel.

        Returns:
            tuple[Tensor]: The same, maybe standardised.

        Raises:
            ValueError: For other axes, or another T than was named.
        """
        wrong = self.seq_len is not None and x2d.shape[1] != self.seq_len
        if x2d.ndim != 4 or wrong:
            frames = 'T' if self.seq_len is None else self.seq_len
            raise ValueError(
                f'IdentityContext takes inputs of shape (B, {frames}, J, C), '
                f'but got {tuple(x2d.shape)}')
        return (standardize_window(x2d) if self.standardize else x2d, )
