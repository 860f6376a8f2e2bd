# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Graph convolution with a weight matrix per joint, and its layer."""

import math
from typing import NamedTuple, Tuple

import numpy as np
import torch
from torch import Tensor, nn


def row_normalized(adjacency: np.ndarray) -> np.ndarray:
    """Adjacency (J, J) with self-loops whose rows sum to 1, float64."""
    looped = np.asarray(adjacency, dtype=np.float64) + np.eye(len(adjacency))
    return looped / looped.sum(axis=1, keepdims=True)


def batch_norm_affine(norm: nn.BatchNorm1d) -> Tuple[Tensor, Tensor]:
    """Scale and shift (C, ) of a batch normalisation in evaluation.

    Raises:
        ValueError: For one that keeps no statistics.
    """
    mean, variance = norm.running_mean, norm.running_var
    if mean is None or variance is None:
        raise ValueError('a batch normalisation without running statistics '
                         'has no scale of its own')
    scale = norm.weight * torch.rsqrt(variance + norm.eps)
    return scale, norm.bias - mean * scale


class FoldedGraphLayer(NamedTuple):
    """A layer's weights with adjacency and normalisation multiplied in.

    Attributes:
        own (Tensor): Of a joint's own features, see ``convolve``.
        others (Tensor): Of its neighbours'.
        shift (Tensor): (F, ), added before the ReLU.
    """
    own: Tensor
    others: Tensor
    shift: Tensor


class PreAggregatedGraphLayer(nn.Module):
    r"""Pre-aggregated graph convolution, batch norm, ReLU, dropout.

    Liu et al., "A Comprehensive Study of Weight Sharing in Graph Networks for
    3D Human Pose Estimation", ECCV 2020: features are transformed before they
    are aggregated, by a matrix of each joint, and a joint's own features by
    another one (decoupled self-connections):

    .. math:: y_i = A_{ii}\, x_i W^0_i + \sum_{j \ne i} A_{ij}\, x_j W^1_j + b

    with :math:`A = D^{-1}(\text{adjacency} + I)`. DiffHPE applies it in two
    directions: to the frames of each joint and channel ("time-wise", F = T)
    or to the channels of each joint and frame ("feature-wise", F = C). Poses
    keep one memory layout, (J, T, B, C), in which both are plain matrix
    products, and so is the aggregation.

    Args:
        features (int): Number of features F, in and out.
        adjacency (np.ndarray): Symmetric 0/1 matrix (J, J), no self-loops.
        over_time (bool): Whether features are frames.
        dropout (float): Defaults to 0.
    """

    own: Tensor
    neighbours: Tensor

    def __init__(self,
                 features: int,
                 adjacency: np.ndarray,
                 over_time: bool,
                 dropout: float = 0.) -> None:
        super().__init__()
        matrix = torch.from_numpy(row_normalized(adjacency)).float()
        own = matrix.diagonal().clone()
        self.register_buffer('own', own[:, None, None], persistent=False)
        self.register_buffer(
            'neighbours', matrix - torch.diag(own), persistent=False)
        self.over_time = over_time
        self.weight = nn.Parameter(
            torch.empty(2, len(matrix), features, features))
        self.bias = nn.Parameter(torch.empty(features))
        self.norm = nn.BatchNorm1d(features)
        self.dropout = nn.Dropout(dropout)
        # Of all four axes, as the released code has it: smaller than for a
        # matrix of a single joint.
        nn.init.xavier_uniform_(self.weight, gain=1.414)
        bound = 1 / math.sqrt(features)
        nn.init.uniform_(self.bias, -bound, bound)

    def convolve(self, x: Tensor, own: Tensor, others: Tensor) -> Tensor:
        """The sum above without b.

        Args:
            x (Tensor): (J, F, M) where features are frames, else (J, M, F).
            own (Tensor): (J, F, F), that multiplies from the side of x's
                features, with :math:`A_{ii}`.
            others (Tensor): (J, F, F).

        Returns:
            Tensor: The shape of x.
        """
        if self.over_time:
            moved = torch.bmm(others, x)
            mixed = torch.mm(self.neighbours, moved.flatten(1))
            return torch.baddbmm(mixed.view_as(x), own, x)
        moved = torch.bmm(x, others)
        mixed = torch.mm(self.neighbours, moved.flatten(1))
        return torch.baddbmm(mixed.view_as(x), x, own)

    def _matrices(self, scale: Tensor) -> Tuple[Tensor, Tensor]:
        """Own and others' matrices, outputs scaled by (F, ) or 1."""
        own, others = self.weight[0] * self.own, self.weight[1]
        own, others = own * scale, others * scale
        if self.over_time:
            return own.transpose(1, 2), others.transpose(1, 2)
        return own, others

    def folded(self) -> FoldedGraphLayer:
        """What the layer does in evaluation, but for the ReLU."""
        scale, shift = batch_norm_affine(self.norm)
        own, others = self._matrices(scale)
        return FoldedGraphLayer(own.contiguous(), others.contiguous(),
                                shift + self.bias * scale)

    def forward(self, x: Tensor) -> Tensor:
        """``(J, T, B, C) -> (J, T, B, C)``."""
        J, T, B, C = x.shape
        own, others = self._matrices(self.weight.new_ones(()))
        if self.over_time:
            y = self.convolve(x.reshape(J, T, B * C), own, others)
            y = self.norm(y + self.bias[:, None])
        else:
            y = self.convolve(x.reshape(J, T * B, C), own, others)
            y = self.norm((y + self.bias).view(-1, C))
        # The ReLU that the released code has after dropout, too, changes
        # nothing there.
        return self.dropout(y.relu()).view(J, T, B, C)
