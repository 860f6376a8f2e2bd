# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Put lifted people into one scene: where their roots are, frame by frame."""

import warnings
from dataclasses import replace
from typing import List, Optional, Sequence, Tuple

import numpy as np
import torch
from scipy.ndimage import gaussian_filter1d

from mmdiffpose.diffusion.root_solver import solve_root
from mmdiffpose.structures.lifted_track import LiftedTrack
from .focal_length import FocalLength

DETECTOR_STD = 0.02
"""How far off a detector's joint is at the person's distance, metres."""


def estimate_root_trajectory(lifted: LiftedTrack,
                             focal_px: float,
                             principal: Optional[Tuple[float, float]] = None,
                             smooth: float = 0.,
                             fill: bool = True) -> np.ndarray:
    """Where the root joint is in the camera's axes.

    Solved per frame from the 2D joints and the root-relative pose, see
    :func:`~mmdiffpose.diffusion.root_solver.solve_root`. A joint weighs
    ``score^2 / (DETECTOR_STD^2 + std^2)``. The depth comes from the size in
    the picture: an error of the pose's or the 2D joints' size of 5 % is one
    of 5 % in depth.

    Args:
        lifted (LiftedTrack): F frames.
        focal_px (float): Focal length in pixels.
        principal (tuple[float, float], optional): Principal point in pixels.
            Defaults to the picture's middle.
        smooth (float): Standard deviation in frames of a Gaussian that the
            trajectory is smoothed with over time. Defaults to 0: none.
        fill (bool): Whether frames that tell nothing (fewer than two joints
            seen) are interpolated from their neighbours in time. Defaults to
            True; otherwise they are NaN.

    Returns:
        np.ndarray: (F, 3) float32, metres, camera axes. All NaN where no
        frame tells anything.
    """
    principal = _principal(lifted, principal)
    variance = np.full(lifted.scores_2d.shape, DETECTOR_STD**2)
    if lifted.std is not None:
        variance = variance + lifted.std.astype(float)**2
    weights = lifted.scores_2d.astype(float)**2 / variance
    with torch.no_grad():
        roots = solve_root(
            torch.as_tensor(lifted.keypoints_3d, dtype=torch.float64),
            torch.as_tensor(lifted.keypoints_2d, dtype=torch.float64),
            torch.as_tensor(weights), float(focal_px),
            torch.from_numpy(principal)).numpy()
    known = np.isfinite(roots).all(1)
    if known.any() and (fill or known.all()):
        frames = lifted.frame_ids
        roots = np.column_stack([
            np.interp(frames, frames[known], axis[known]) for axis in roots.T
        ])
        if smooth > 0:
            roots = gaussian_filter1d(roots, smooth, axis=0, mode='nearest')
    return roots.astype(np.float32)


def place_in_scene(lifted: Sequence[LiftedTrack],
                   focal: FocalLength,
                   principal: Optional[Tuple[float, float]] = None,
                   smooth: float = 0.,
                   turned: bool = False) -> List[LiftedTrack]:
    """Give every track its root trajectory, so that all share one scene.

    Args:
        lifted (sequence[LiftedTrack]): The people of one video.
        focal (FocalLength): From
            :func:`~mmdiffpose.lifting.focal_length.resolve_focal_length`.
        principal (tuple[float, float], optional): As in
            :func:`estimate_root_trajectory`.
        smooth (float): As in :func:`estimate_root_trajectory`.
        turned (bool): Whether the tracks were lifted with ``fit=True``. Their
            poses are then in the axes of a camera turned towards the person
            (see :func:`~mmdiffpose.lifting.view_fit.fit_view`) and are turned
            back, one angle for each track. Defaults to False.

    Returns:
        list[LiftedTrack]: Copies with ``root_trajectory``, ``focal_px`` and
        ``focal_source``. Tracks in which no frame tells where the person is
        are left out, with a warning.
    """
    placed = []
    for track in lifted:
        if turned:
            track = _turn_back(track, focal.pixels, principal)
        roots = estimate_root_trajectory(track, focal.pixels, principal,
                                         smooth)
        if not np.isfinite(roots).all():
            warnings.warn(
                f'person {track.track_id}: no frame tells where they are '
                '(fewer than two joints seen in each); left out of the scene')
            continue
        placed.append(
            replace(
                track,
                root_trajectory=roots,
                focal_px=focal.pixels,
                focal_source=focal.how))
    return placed


def _principal(lifted: LiftedTrack,
               principal: Optional[Tuple[float, float]]) -> np.ndarray:
    middle = np.array(lifted.image_size) / 2
    return middle if principal is None else np.array(principal, float)


def _turn_back(lifted: LiftedTrack, focal_px: float,
               principal: Optional[Tuple[float, float]]) -> LiftedTrack:
    """Poses of a camera that faces the person, in the camera's own axes."""
    seen = lifted.keypoints_2d[lifted.scores_2d > 0]
    middle = np.median(seen, axis=0) - _principal(lifted, principal)
    turn = turn_towards(np.append(middle, focal_px))
    turn = turn.astype(lifted.keypoints_3d.dtype)
    hypotheses = lifted.hypotheses
    return replace(
        lifted,
        keypoints_3d=lifted.keypoints_3d @ turn.T,
        hypotheses=None if hypotheses is None else hypotheses @ turn.T)


def turn_towards(direction: np.ndarray) -> np.ndarray:
    """Rotation (3, 3) that takes z to a direction (3, ), without roll."""
    x, y, z = direction / np.linalg.norm(direction)
    yaw, pitch = np.arctan2(x, z), np.arcsin(-y)
    cos, sin = np.cos(yaw), np.sin(yaw)
    about_y = np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
    cos, sin = np.cos(pitch), np.sin(pitch)
    about_x = np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]])
    return about_y @ about_x
