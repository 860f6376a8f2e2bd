# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Windows of 2D poses without their place and size in the image."""

import torch
from torch import Tensor


def standardize_window(x2d: Tensor) -> Tensor:
    """Centre each window at its mean position, divide it by its size.

    The size is the root mean square coordinate of the centred window, over
    frames and joints; relative motion and aspect are kept.

    Args:
        x2d (Tensor): (B, T, J, 2), or (B, T, J, 3) with the codec's mask
            channel, which stays as it is. Masked joints then have no part in
            place and size, and are moved to the mean position.

    Returns:
        Tensor: Of the same shape.
    """
    if x2d.shape[-1] == 3:
        return _standardize_seen(x2d[..., :2], x2d[..., 2:])
    x2d = x2d - x2d.mean(dim=(1, 2), keepdim=True)
    size = x2d.square().mean(dim=(1, 2, 3), keepdim=True).sqrt()
    return x2d / size.clamp(min=1e-3)


def _standardize_seen(x2d: Tensor, seen: Tensor) -> Tensor:
    """With the mask (B, T, J, 1) as weights."""
    axes = (1, 2)
    count = seen.sum(dim=axes, keepdim=True).clamp(min=1)
    centre = (x2d * seen).sum(dim=axes, keepdim=True) / count
    x2d = (x2d - centre) * seen
    square = x2d.square().sum(dim=(1, 2, 3), keepdim=True) / (2 * count)
    return torch.cat([x2d / square.sqrt().clamp(min=1e-3), seen], dim=-1)
