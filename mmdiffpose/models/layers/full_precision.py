# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Whether autocast is on."""

import torch
from torch import Tensor


def autocasts(like: Tensor) -> bool:
    """Whether autocast is on for a tensor's device."""
    device = like.device.type
    if device == 'meta':  # torch knows no autocast there
        return False
    try:
        return torch.is_autocast_enabled(device)
    except TypeError:  # before torch 2.4
        if device == 'cpu':
            return torch.is_autocast_cpu_enabled()
        return torch.is_autocast_enabled()
