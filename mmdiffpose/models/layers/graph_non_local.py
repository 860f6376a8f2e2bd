# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The graph non-local layer of SemGCN."""

from typing import List, NamedTuple, Sequence, Tuple

import torch
from torch import Tensor, nn

from mmdiffpose.skeletons import Skeleton
from mmdiffpose.skeletons.mocap_sets import h36m_places
from .fast_linear import Linear
from .pre_aggregated_graph import batch_norm_affine

H36M_POOLED_PAIRS = ((2, 3), (5, 6), (1, 4), (0, 7), (8, 9), (10, 15),
                     (16, 12), (13, 11))
"""Joints of Human3.6M-17 that are pooled. The published code groups them by
limbs, but its pooling goes by twos over the groups in a row, so that groups
of three shift the later ones, and joint 14 is dropped."""


def pooled_pairs(skeleton: Skeleton) -> Tuple[Tuple[int, int], ...]:
    """Joints that a non-local layer pools, two by two.

    Where the skeleton is Human3.6M's, in any order and under any names, they
    are those of the published code (:data:`H36M_POOLED_PAIRS`). Elsewhere
    joints are paired with their parents from the limbs' ends inwards; who is
    left over stands alone.

    Args:
        skeleton (Skeleton): J joints.
    """
    places = h36m_places(skeleton)
    if places is not None:
        return tuple((places[a], places[b]) for a, b in H36M_POOLED_PAIRS)
    pairs: List[Tuple[int, int]] = []
    left = set(range(skeleton.num_joints))
    for joint in reversed(skeleton.draw_order):
        if joint not in left:
            continue
        left.discard(joint)
        parent = skeleton.parents[joint]
        pairs.append((joint, parent if parent in left else joint))
        left.discard(parent)
    return tuple(pairs)


class FoldedNonLocal(NamedTuple):
    """A non-local layer's weights in evaluation.

    Attributes:
        theta (Tensor): (C, 1), and its shift ``theta_shift`` (1, ).
        pooled (Tensor): (C, C), to phi and g, with ``pooled_shift``.
        phi (Tensor): (C / 2, 1).
        out (Tensor): (C / 2, C), with ``out_shift`` (C, ).
    """
    theta: Tensor
    theta_shift: Tensor
    pooled: Tensor
    pooled_shift: Tensor
    phi: Tensor
    out: Tensor
    out_shift: Tensor


class GraphNonLocal(nn.Module):
    r"""Every joint looks at pooled pairs of joints, frame by frame.

    Zhao et al., "Semantic Graph Convolutional Networks for 3D Human Pose
    Regression", CVPR 2019, in its concatenation form:
    :math:`f_{ij} = \mathrm{ReLU}(a^\top [\theta_i; \phi_j]) / P` over the P
    pairs, and :math:`y_i = x_i + \mathrm{BN}(W \sum_j f_{ij}\, g_j)`, where
    :math:`\phi` and g are maxima over the joints of a pair. The normalisation
    starts with weights of zero, so that the layer starts as the identity.

    Args:
        channels (int): Width C, even; inside it is C / 2.
        pairs (Sequence[tuple[int, int]]): The pooled joints. Defaults to
            those of DiffHPE's released code.
    """

    first: Tensor
    second: Tensor

    def __init__(self,
                 channels: int,
                 pairs: Sequence[Tuple[int, int]] = H36M_POOLED_PAIRS) -> None:
        super().__init__()
        if channels % 2:
            raise ValueError('a non-local layer needs an even number of '
                             f'channels, got {channels}')
        inner = channels // 2
        for i, name in enumerate(('first', 'second')):
            self.register_buffer(
                name,
                torch.tensor([pair[i] for pair in pairs]),
                persistent=False)
        self.theta = Linear(channels, inner)
        self.phi = Linear(channels, inner)
        self.g = Linear(channels, inner)
        self.project = Linear(2 * inner, 1, bias=False)
        self.out = Linear(inner, channels)
        self.norm = nn.BatchNorm1d(channels)
        for layer in (self.theta, self.phi, self.g, self.project, self.out):
            nn.init.kaiming_normal_(layer.weight)
        for layer in (self.theta, self.phi, self.g, self.out):
            nn.init.zeros_(layer.bias)
        nn.init.zeros_(self.norm.weight)

    def _weights(self) -> FoldedNonLocal:
        r"""All but the normalisation, with a joint's affinity one number.

        :math:`a^\top \theta_i` is linear in x_i, and a ReLU of a P-th is a
        P-th of the ReLU.
        """
        inner = self.phi.out_features
        a = self.project.weight[0] / len(self.first)
        return FoldedNonLocal(
            theta=(a[:inner] @ self.theta.weight)[:, None],
            theta_shift=(a[:inner] @ self.theta.bias)[None],
            pooled=torch.cat([self.phi.weight, self.g.weight]).t(),
            pooled_shift=torch.cat([self.phi.bias, self.g.bias]),
            phi=a[inner:, None],
            out=self.out.weight.t(),
            out_shift=self.out.bias)

    def folded(self) -> FoldedNonLocal:
        """What the layer adds to its input in evaluation."""
        weights = self._weights()
        scale, shift = batch_norm_affine(self.norm)
        return weights._replace(
            pooled=weights.pooled.contiguous(),
            out=weights.out * scale,
            out_shift=weights.out_shift * scale + shift)

    def attend(self, x: Tensor, weights: FoldedNonLocal) -> Tensor:
        r""":math:`\sum_j f_{ij} g_j` of frames (J, M, C): (J, M, C / 2)."""
        inner = len(weights.phi)
        J, M, C = x.shape
        flat = x.reshape(-1, C)
        theta = torch.addmm(weights.theta_shift, flat, weights.theta)
        pooled = torch.addmm(weights.pooled_shift, flat, weights.pooled)
        pooled = pooled.view(J, M, C)
        pooled = torch.maximum(pooled[self.first], pooled[self.second])
        phi, g = pooled.split(inner, dim=-1)
        phi = phi @ weights.phi
        # Many tiny products are fast only where they lie in a row.
        theta = theta.view(J, M).t().contiguous()
        phi = phi.view(-1, M).t().contiguous()
        affinity = (theta[:, :, None] + phi[:, None]).relu()
        g = g.transpose(0, 1).contiguous()
        return torch.bmm(affinity, g).transpose(0, 1)

    def forward(self, x: Tensor) -> Tensor:
        """``(J, T, B, C) -> (J, T, B, C)``."""
        frames = x.flatten(1, 2)
        weights = self._weights()
        y = self.attend(frames, weights)
        y = torch.addmm(weights.out_shift, y.reshape(-1, y.shape[-1]),
                        weights.out)
        return x + self.norm(y).view_as(x)
