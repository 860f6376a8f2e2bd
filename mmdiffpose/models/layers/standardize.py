# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Windows of 2D poses without their place and size in the image."""

from torch import Tensor


def standardize_window(x2d: Tensor) -> Tensor:
    """Centre each window at its mean position, divide it by its size.

    The size is the root mean square coordinate of the centred window, over
    frames and joints; relative motion and aspect are kept.

    Args:
        x2d (Tensor): (B, T, J, 2).

    Returns:
        Tensor: (B, T, J, 2).
    """
    x2d = x2d - x2d.mean(dim=(1, 2), keepdim=True)
    size = x2d.square().mean(dim=(1, 2, 3), keepdim=True).sqrt()
    return x2d / size.clamp(min=1e-3)
