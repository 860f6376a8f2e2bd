# Copyright (c) mmdiffpose contributors. All rights reserved.
"""2D mixtures of points that are all as sure, as a graph can record them."""

import torch
from torch import Tensor

from mmdiffpose.skeletons.score_width import SCORE_SIGMA


def mixtures_of_points(points: Tensor,
                       seen: Tensor,
                       sigma: float = SCORE_SIGMA[0]) -> Tensor:
    """What the codec makes of 2D joints whose scores are all 1, or 0.

    The same as :meth:`GMMDiffusionPose.mixtures_from_scores
    <mmdiffpose.codecs.GMMDiffusionPose.mixtures_from_scores>` with one
    component, for windows that come as tensors alone.

    Args:
        points (Tensor): (B, T, J, 2), screen-normalised.
        seen (Tensor): (B, T, J), bool.
        sigma (float): Std of a joint that was seen, as a share of the
            person's size.

    Returns:
        Tensor: (B, T, J, 1, 5), normalised: weight, mean u, v, std u, v.
    """
    weight = seen[..., None].to(points.dtype)
    count = weight.sum(dim=2, keepdim=True).clamp(min=1)
    centre = (points * weight).sum(dim=2, keepdim=True) / count
    square = ((points - centre).square() * weight).sum(dim=(2, 3))
    some = seen.any(dim=2)
    frames = some.sum(dim=1, keepdim=True)
    # Frames without any joint come last; the median is of the others.
    sizes = (square / count[..., 0, 0]).sqrt()
    sizes = sizes.masked_fill(~some, torch.inf).sort(dim=1).values
    middle = torch.cat([(frames - 1).clamp(min=0) // 2,
                        (frames // 2).clamp(max=points.shape[1] - 1)],
                       dim=1)
    extent = sizes.gather(1, middle).mean(dim=1, keepdim=True)
    extent = extent.clamp(min=1e-3).masked_fill(frames == 0, 1.)
    shown = some[..., None, None].to(points.dtype)
    usual = (centre * shown).sum(
        dim=1, keepdim=True) / frames.clamp(min=1)[..., None, None]
    centre = torch.where(shown > 0, centre, usual)
    mean = torch.where(weight > 0, points, centre)
    std = extent[..., None, None] * torch.where(weight > 0, sigma, 1.)
    parts = [torch.ones_like(std), mean, std, std]
    return torch.cat(parts, dim=-1)[..., None, :]
