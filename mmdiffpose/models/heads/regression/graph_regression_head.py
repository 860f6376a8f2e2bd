# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Regression head of GraFormer."""

from typing import Any, Tuple

from torch import Tensor

from mmdiffpose.models.layers import ChebConv, start_small
from mmdiffpose.registry import MODELS
from mmdiffpose.skeletons import H36M_17
from .lifting_regression_head import LiftingRegressionHead


@MODELS.register_module()
class GraphRegressionHead(LiftingRegressionHead):
    """A Chebyshev graph convolution to the pose.

    The last layer of GraFormer (Zhao et al., CVPR 2022); features are not
    normalised before it.

    Args:
        in_channels (int): Width C of the features.
        laplacian (str): See :class:`~mmdiffpose.models.layers.ChebConv`.
            Defaults to the released code's.
        **kwargs: Arguments of :class:`LiftingRegressionHead`.
    """

    def __init__(self,
                 in_channels: int,
                 laplacian: str = 'random_walk',
                 **kwargs: Any) -> None:
        super().__init__(in_channels, **kwargs)
        del self.norm, self.linear
        self.output = start_small(
            ChebConv(in_channels, 3, H36M_17.adjacency(), laplacian=laplacian))

    def forward(self, feats: Tuple[Tensor]) -> Tensor:
        """Features ((B, T, J, C), ) to poses (B, T, J, 3), metres."""
        return self.output(feats[-1])
