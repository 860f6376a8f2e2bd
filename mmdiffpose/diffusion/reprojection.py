# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Aggregation of hypotheses by their projection into the picture."""

from typing import Optional

import torch
from torch import Tensor

from .root_solver import solve_root


def project(poses: Tensor, root: Tensor, focal: Tensor,
            centre: Tensor) -> Tensor:
    """Perspective projection of root-relative poses.

    Args:
        poses (Tensor): (..., J, 3) metres, camera axes, relative to the root.
        root (Tensor): (..., 3) metres.
        focal (Tensor): (..., 2) pixels.
        centre (Tensor): (..., 2) pixels.

    Returns:
        Tensor: (..., J, 2) pixels; infinite for joints behind the camera.
    """
    points = poses + root[..., None, :]
    depth = points[..., 2:]
    pixels = (
        points[..., :2] / depth * focal[..., None, :] + centre[..., None, :])
    return torch.where(depth > 0, pixels, torch.inf)


def joint_wise_by_reprojection(hypotheses: Tensor,
                               keypoints: Tensor,
                               weights: Tensor,
                               focal: Tensor,
                               centre: Tensor,
                               root: Optional[Tensor] = None) -> Tensor:
    """D3DP's JPMA: each joint from the hypothesis that projects nearest.

    Shan et al., "Diffusion-Based 3D Human Pose Estimation with
    Multi-Hypothesis Aggregation", ICCV 2023, Sec. 3.3. It needs to know where
    a pose stands, and there the published code takes the *ground truth's*
    root. Here each hypothesis' root is solved from the 2D keypoints and the
    camera by default, which needs no ground truth.

    Joints without a 2D keypoint, and frames where no root can be solved, get
    the mean of the hypotheses.

    Args:
        hypotheses (Tensor): (B, N, T, J, 3), root-relative metres.
        keypoints (Tensor): 2D keypoints (B, T, J, 2), pixels, as the lifter
            got them.
        weights (Tensor): Their scores (B, T, J); 0 for a joint that was not
            seen.
        focal (Tensor): (B, 2) pixels.
        centre (Tensor): Principal points (B, 2), pixels.
        root (Tensor, optional): Root positions (B, T, 3), camera metres. An
            *oracle* where they are the ground truth's: for analysis only.
            Defaults to None: solved.

    Returns:
        Tensor: (B, T, J, 3), root-relative metres.
    """
    keypoints, weights = keypoints[:, None], weights[:, None]
    focal, centre = focal[:, None, None], centre[:, None, None]
    if root is None:
        roots = solve_root(hypotheses, keypoints, weights, focal, centre)
    else:
        roots = root[:, None]
    pixels = project(hypotheses, roots, focal, centre)
    error = (pixels - keypoints).norm(dim=-1)
    usable = error.isfinite() & (weights > 0)
    best = torch.where(usable, error, torch.inf).argmin(dim=1, keepdim=True)
    index = best[..., None].expand(-1, -1, -1, -1, 3)
    chosen = hypotheses.gather(1, index)[:, 0]
    known = usable.any(dim=1)[..., None]
    return torch.where(known, chosen, hypotheses.mean(dim=1))
