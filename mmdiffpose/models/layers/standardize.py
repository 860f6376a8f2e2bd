# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Windows of 2D poses without their place and size in the image."""

import torch
from torch import Tensor


def standardize_window(x2d: Tensor) -> Tensor:
    """Centre each window at its mean position, divide it by its size.

    The size is the root mean square coordinate of the centred window, over
    frames and joints; relative motion and aspect are kept.

    Masked joints do not count for place and size, which their position at the
    image's centre would distort. They stay at 0, which is now the person's
    mean position. Where there is no mask channel, they are the joints that are
    exactly at 0, where the codec puts them.

    Args:
        x2d (Tensor): (B, T, J, 2), or (B, T, J, 3) with the codec's mask
            channel, which stays as it is.

    Returns:
        Tensor: Of the same shape.
    """
    if x2d.shape[-1] == 3:
        x2d, seen = x2d[..., :2], x2d[..., 2:]
        return torch.cat([_standardize_seen(x2d, seen), seen], dim=-1)
    seen = (x2d != 0).any(dim=-1, keepdim=True)
    whole = seen.all(dim=2, keepdim=True).all(dim=1, keepdim=True)
    # Windows without masked joints give the same bits as without a mask.
    return torch.where(whole, _standardize_all(x2d),
                       _standardize_seen(x2d, seen.to(x2d.dtype)))


def _standardize_all(x2d: Tensor) -> Tensor:
    """With every joint."""
    x2d = x2d - x2d.mean(dim=(1, 2), keepdim=True)
    size = x2d.square().mean(dim=(1, 2, 3), keepdim=True).sqrt()
    return x2d / size.clamp(min=1e-3)


def _standardize_seen(x2d: Tensor, seen: Tensor) -> Tensor:
    """With the mask (B, T, J, 1) as weights."""
    count = seen.sum(dim=(1, 2), keepdim=True).clamp(min=1)
    centre = (x2d * seen).sum(dim=(1, 2), keepdim=True) / count
    x2d = (x2d - centre) * seen
    square = x2d.square().sum(dim=(1, 2, 3), keepdim=True) / (2 * count)
    return x2d / square.sqrt().clamp(min=1e-3)
