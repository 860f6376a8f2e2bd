# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Mirror images of poses and of 2D mixtures."""

from typing import Sequence

from torch import Tensor

from mmdiffpose.skeletons import H36M_17


def flip_poses(poses: Tensor,
               order: Sequence[int] = H36M_17.flip_indices) -> Tensor:
    """Mirror 2D or 3D poses: negate x, swap left and right.

    Args:
        poses (Tensor): (..., J, C), x first, about 0.
        order (Sequence[int]): Joint that takes each joint's place. Defaults
            to that of Human3.6M-17.

    Returns:
        Tensor: A new one of the same shape.
    """
    flipped = poses[..., list(order), :].clone()
    flipped[..., 0] *= -1
    return flipped


def flip_mixtures(mixtures: Tensor,
                  order: Sequence[int] = H36M_17.flip_indices) -> Tensor:
    """Mirror normalised 2D mixtures: negate mean u, swap left and right.

    Args:
        mixtures (Tensor): (..., J, M, 5): weight, mean u, v, std u, v.
        order (Sequence[int]): As in :func:`flip_poses`.

    Returns:
        Tensor: A new one of the same shape.
    """
    flipped = mixtures[..., list(order), :, :].clone()
    flipped[..., 1] *= -1
    return flipped
