# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Head of an encoder whose features are poses already."""

from typing import Any, Tuple

from torch import Tensor

from mmdiffpose.registry import MODELS
from .many_to_one_regression_head import ManyToOneRegressionHead


@MODELS.register_module()
class PoseFeatureHead(ManyToOneRegressionHead):
    """Takes the encoder's features for the pose, without a layer of its own.

    For P-STMO as it was published (Shan et al., ECCV 2022): its last linear
    layer gives each joint three coordinates, which is
    :class:`~mmdiffpose.models.encoders.PSTMO` with ``joint_dims=3``.

    Args:
        in_channels (int): Width C of the features. Should be 3.
        **kwargs: Arguments of :class:`LiftingRegressionHead`.

    Raises:
        ValueError: For another width.
    """

    def __init__(self, in_channels: int = 3, **kwargs: Any) -> None:
        if in_channels != 3:
            raise ValueError('PoseFeatureHead takes features of 3 '
                             f'coordinates, but in_channels is {in_channels}')
        super().__init__(in_channels, **kwargs)
        del self.norm, self.linear

    def forward(self, feats: Tuple[Tensor, ...]) -> Tensor:
        """Features ((B, T, J, 3), ) as poses, metres."""
        return feats[-1]
