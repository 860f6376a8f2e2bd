# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Where a root-relative pose stands, from its 2D projection and a camera."""

from typing import Tuple, Union

import torch
from torch import Tensor

ITERATIONS = 16
MIN_RESIDUAL = 1e-3
"""Least residual that may count as an outlier, in focal lengths: about a
pixel, so that exact data keep all their joints."""
OUTLIER = 3.
"""Robust standard deviations at which a joint has lost most of its weight."""
MIN_SPREAD = 1e-4
"""Least root mean square distance of the joints in the picture from their
centre, in focal lengths, that tells a distance: a tenth of a pixel."""
MIN_SHARE = 1e-3
"""Least residual in the first iterations, as a share of the largest."""

_MAD_TO_STD = 1.4826


def solve_root(poses: Tensor,
               keypoints: Tensor,
               weights: Tensor,
               focal: Union[float, Tensor],
               centre: Tensor,
               iterations: int = ITERATIONS) -> Tensor:
    r"""Solve the root's position by weighted least squares.

    With a perspective camera, a joint :math:`(X, Y, Z)` relative to a root
    at :math:`t` is seen at
    :math:`x = (X + t_x) / (Z + t_z)`, :math:`y = (Y + t_y) / (Z + t_z)`
    (``x = (u - c) / f``), which is linear in :math:`t` once multiplied out:
    :math:`t_x - x t_z = x Z - X`, and so for y. Weighted least squares over
    the joints has a closed form. It is repeated with the weights of the last
    solution: in the first half of the iterations divided by the residual
    (least absolute deviations, which finds the majority of the joints), then
    by the joint's squared depth, so that distances :math:`r` in the picture
    count, and by :math:`(1 + r^2 / c^2)^2` (Geman and McClure), so that a few
    joints that are far off count nothing. The scale :math:`c` follows the
    median residual of each pose.

    Plain arithmetic on the last axes: batched, differentiable, on any device.
    Arguments broadcast over the leading axes, so that N hypotheses may share
    one set of keypoints.

    Args:
        poses (Tensor): (..., J, 3) metres, camera axes, relative to the root.
        keypoints (Tensor): (..., J, 2) pixels. Where the weight is 0 they
            mean nothing and may be NaN.
        weights (Tensor): (..., J), at least 0; only their ratios matter.
        focal (float | Tensor): Focal length in pixels: one number, or
            (..., 2) for x and y.
        centre (Tensor): (..., 2) principal point, pixels.
        iterations (int): Of the reweighting; 0 is plain weighted least
            squares. Defaults to 16.

    Returns:
        Tensor: (..., 3) metres, camera axes; scaled poses scale it. NaN where
        the joints do not tell it: fewer than two are weighted, they lie in
        one point of the picture, or they end up behind the camera.
    """
    seen = weights > 0
    focal = torch.as_tensor(focal, dtype=poses.dtype, device=poses.device)
    if focal.ndim:
        focal = focal[..., None, :]
    rays = (keypoints - centre[..., None, :]) / focal
    rays = torch.where(seen[..., None], rays, 0.)
    weights = torch.where(seen, weights, 0.)
    root, spread = _least_squares(poses, rays, weights)
    for iteration in range(iterations):
        depth, miss = _residuals(poses, rays, root)
        if iteration < iterations // 2:
            # Depths are not to be trusted before the outliers are found.
            robust = weights / miss.clamp(min=1e-9).maximum(
                MIN_SHARE * miss.amax(-1, keepdim=True))
        else:
            robust = weights * _redescending(miss, depth, seen)
        root, spread = _least_squares(poses, rays, robust)
    depth = poses[..., 2] + root[..., 2:]
    behind = (seen & ~(depth > 0)).any(-1)
    # Also catches too few joints: one joint has no spread.
    unknown = behind | ~(spread > MIN_SPREAD)
    return torch.where(unknown[..., None], torch.nan, root)


def _least_squares(poses: Tensor, rays: Tensor,
                   weights: Tensor) -> Tuple[Tensor, Tensor]:
    """The closed form: (..., 3), and the rays' weighted spread (...)."""
    share = weights / weights.sum(-1, keepdim=True).clamp(min=1e-30)
    share = share[..., None]
    target = rays * poses[..., 2:] - poses[..., :2]
    mean_ray, mean_target = (share * rays).sum(-2), (share * target).sum(-2)
    ray = rays - mean_ray[..., None, :]
    variance = (share * ray**2).sum((-1, -2))
    covariance = (share * ray * (target - mean_target[..., None, :])).sum(
        (-1, -2))
    z = -covariance / variance.clamp(min=1e-12)
    xy = mean_target + mean_ray * z[..., None]
    return torch.cat([xy, z[..., None]], -1), variance.sqrt()


def _residuals(poses: Tensor, rays: Tensor,
               root: Tensor) -> Tuple[Tensor, Tensor]:
    """Depth of the joints and distance to their rays, (..., J), metres."""
    points = poses + root[..., None, :]
    depth = points[..., 2]
    miss = points[..., :2] - rays * depth[..., None]
    return depth, miss.norm(dim=-1)


def _redescending(miss: Tensor, depth: Tensor, seen: Tensor) -> Tensor:
    """Weights (..., J) of Geman and McClure for distances in the picture."""
    depth = depth.abs().clamp(min=1e-6)
    distance = miss / depth
    known = torch.where(seen, distance, torch.nan)
    median = known.nanmedian(-1, keepdim=True).values.nan_to_num(0.)
    scale = (OUTLIER * _MAD_TO_STD * median).clamp(min=MIN_RESIDUAL)
    return 1 / (depth * (1 + (distance / scale)**2))**2
