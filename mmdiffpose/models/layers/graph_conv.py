# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Graph convolutions over the joints of a skeleton."""

import math

import numpy as np
import torch
from torch import Tensor, nn

from .fast_linear import Linear, linear


def normalized_laplacian(adjacency: np.ndarray) -> np.ndarray:
    r"""Symmetric Laplacian :math:`I - D^{-1/2} A D^{-1/2}`, rescaled.

    Shifted by -I, so that its eigenvalues lie in [-1, 1], where Chebyshev
    polynomials are bounded (Defferrard et al., 2016, Sec. 2.1, with
    :math:`\lambda_{max} = 2`).

    Args:
        adjacency (np.ndarray): Symmetric 0/1 matrix (J, J), no self-loops.

    Returns:
        np.ndarray: float64, (J, J).

    Raises:
        ValueError: Where a joint has no neighbour or the matrix is not
            symmetric.
    """
    adjacency = np.asarray(adjacency, dtype=np.float64)
    if adjacency.ndim != 2 or not np.array_equal(adjacency, adjacency.T):
        raise ValueError('adjacency should be a symmetric (J, J) matrix, got '
                         f'shape {adjacency.shape}')
    degree = adjacency.sum(1)
    if (degree == 0).any():
        raise ValueError('every joint needs a neighbour, but joints '
                         f'{np.flatnonzero(degree == 0).tolist()} have none')
    scale = 1 / np.sqrt(degree)
    return -scale[:, None] * adjacency * scale[None]


def random_walk_laplacian(adjacency: np.ndarray) -> np.ndarray:
    r"""Laplacian :math:`I - D^{-1} (A + I)` of the graph with self-loops.

    What GraFormer's and DiffPose's released code uses, and so what their
    weights need. Not symmetric; its eigenvalues lie between 0 and 2 and are
    not shifted to [-1, 1].

    Args:
        adjacency (np.ndarray): Symmetric 0/1 matrix (J, J), no self-loops.

    Returns:
        np.ndarray: float64, (J, J); rows sum to 0.
    """
    looped = np.asarray(adjacency, dtype=np.float64) + np.eye(len(adjacency))
    return np.eye(len(looped)) - looped / looped.sum(1, keepdims=True)


LAPLACIANS = dict(
    symmetric=normalized_laplacian, random_walk=random_walk_laplacian)
"""Laplacians of :class:`ChebConv`, by name."""


class ChebConv(nn.Module):
    r"""Chebyshev graph convolution
    :math:`\sum_{i=0}^{K} T_i(\tilde L)\, x\, W_i + b`.

    Defferrard et al., "Convolutional Neural Networks on Graphs with Fast
    Localized Spectral Filtering", NeurIPS 2016; the "standard GCN layer" of
    GraFormer (Zhao et al., CVPR 2022) and so of DiffPose's denoiser.

    Args:
        in_channels (int): Width of the input.
        out_channels (int): Width of the output.
        adjacency (np.ndarray): Symmetric 0/1 matrix (J, J), no self-loops.
        order (int): Highest polynomial degree K, so K + 1 terms. Defaults
            to 2, as in GraFormer.
        laplacian (str): Key of :data:`LAPLACIANS`: ``'symmetric'``
            (Defferrard et al.) or ``'random_walk'`` (the released code of
            GraFormer and DiffPose). Defaults to ``'symmetric'``.

    Raises:
        ValueError: For an unknown Laplacian.
    """

    polynomials: Tensor

    def __init__(self,
                 in_channels: int,
                 out_channels: int,
                 adjacency: np.ndarray,
                 order: int = 2,
                 laplacian: str = 'symmetric') -> None:
        super().__init__()
        if laplacian not in LAPLACIANS:
            raise ValueError(f'laplacian should be one of {list(LAPLACIANS)},'
                             f' got {laplacian!r}')
        matrix = LAPLACIANS[laplacian](adjacency)
        terms = [np.eye(len(matrix)), matrix]
        while len(terms) <= order:
            terms.append(2 * matrix @ terms[-1] - terms[-2])
        self.register_buffer(
            'polynomials',
            torch.from_numpy(np.stack(terms[:order + 1])).float(),
            persistent=False)
        self.linear = Linear(in_channels * (order + 1), out_channels)
        nn.init.xavier_normal_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, x: Tensor) -> Tensor:
        """``(..., J, C_in) -> (..., J, C_out)``."""
        weight, bias = self.linear.weight, self.linear.bias
        C_out, C_in = len(weight), x.shape[-1]
        if C_out > C_in:
            # (T_i x) W_i: few channels are gathered from the neighbours.
            gather = self.polynomials.transpose(0, 1).flatten(0, 1)
            terms = (gather @ x).reshape(*x.shape[:-1],
                                         self.linear.in_features)
            return self.linear(terms)
        # T_i (x W_i) with all W_i side by side: nothing wider than K + 1
        # outputs is written, and nothing concatenated.
        weight = weight.view(C_out, -1, C_in).transpose(0, 1).flatten(0, 1)
        mixing = self.polynomials.permute(1, 2, 0).flatten(1)  # (J, J (K + 1))
        size = math.prod(x.shape[:-2])
        terms = linear(x, weight).view(size, mixing.shape[1], C_out)
        mixing = mixing.expand(size, -1, -1)
        return torch.baddbmm(bias, mixing, terms).view(*x.shape[:-1], C_out)
