# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The way of a batch of windows to the device."""

from typing import Any, Dict, Union

import torch
from mmengine.model import BaseDataPreprocessor

from mmdiffpose.registry import MODELS


@MODELS.register_module()
class LiftingDataPreprocessor(BaseDataPreprocessor):
    """Moves a batch's inputs in one piece and leaves its samples alone.

    MMEngine's default moves each tensor of each sample, ten for every window.
    Lifting heads stack the labels that they need and move those.

    Args:
        non_blocking (bool): Whether the copy may overlap with computation.
            Defaults to False.
    """

    def forward(self,
                data: Dict[str, Any],
                training: bool = False) -> Dict[str, Any]:
        """Stack and move the inputs.

        Args:
            data (dict): ``inputs``, B tensors of (T, J, C) or one of
                (B, T, J, C), and ``data_samples``.
            training (bool): Has no effect.

        Returns:
            dict: The same with ``inputs`` as one tensor (B, T, J, C) on the
            model's device.
        """
        inputs: Union[torch.Tensor, list] = data['inputs']
        if not isinstance(inputs, torch.Tensor):
            inputs = torch.stack(list(inputs))
        inputs = inputs.to(self.device, non_blocking=self._non_blocking)
        return dict(data, inputs=inputs)
