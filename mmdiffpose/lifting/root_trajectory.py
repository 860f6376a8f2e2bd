# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Put lifted people into one scene: where their roots are, frame by frame."""

import warnings
from dataclasses import replace
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np
import torch
from scipy.ndimage import gaussian_filter1d

from mmdiffpose.diffusion.root_solver import solve_root
from mmdiffpose.structures.lifted_track import LiftedTrack
from .focal_length import Focal, FocalLength, FocalLengths

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
        np.ndarray: (F, 3) float32, metres, camera axes. All NaN where no frame
        tells where the root is.
    """
    center = _principal(lifted, principal)
    variance = np.full(lifted.scores_2d.shape, DETECTOR_STD**2)
    if lifted.std is not None:
        variance = variance + lifted.std.astype(float)**2
    weights = lifted.scores_2d.astype(float)**2 / variance
    with torch.no_grad():
        roots = solve_root(
            torch.as_tensor(lifted.keypoints_3d, dtype=torch.float64),
            torch.as_tensor(lifted.keypoints_2d, dtype=torch.float64),
            torch.as_tensor(weights), float(focal_px),
            torch.from_numpy(center)).numpy()
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
                   focal: Optional[Focal] = None,
                   principal: Optional[Tuple[float, float]] = None,
                   smooth: float = 0.,
                   turned: Optional[bool] = None) -> List[LiftedTrack]:
    """Give every track its root trajectory, so that all share one scene.

    Args:
        lifted (sequence[LiftedTrack]): The people of one video.
        focal (FocalLength | float, optional): The camera's, pixels. Poses
            that were turned into its axes by another one are turned anew.
            Defaults to the one that the tracks were lifted with, else to an
            assumed one, with a warning.
        principal (tuple[float, float], optional): As in
            :func:`estimate_root_trajectory`.
        smooth (float): As in :func:`estimate_root_trajectory`.
        turned (bool, optional): Has no effect any more: a track knows how
            its picture was moved for the lifter.

    Returns:
        list[LiftedTrack]: Copies with ``root_trajectory``, ``focal_px`` and
        ``focal_source``. Tracks in which no frame tells where the person is
        are left out, with a warning.
    """
    if turned is not None:
        warnings.warn(
            'turned= has no effect and will go: a lifted track knows how its '
            'picture was turned',
            DeprecationWarning,
            stacklevel=2)
    focals = FocalLengths(focal)
    placed = []
    for track in lifted:
        there = _place(track, focals, principal, smooth)
        if there is None:
            warnings.warn(
                f'person {track.track_id}: no frame tells where they are '
                '(fewer than two joints seen in each); left out of the scene')
        else:
            placed.append(there)
    return placed


class StreamPlacer:
    """Places the people of a stream as their frames come.

    Args:
        focal (FocalLength | float, optional): As for :func:`place_in_scene`.
    """

    def __init__(self, focal: Optional[Focal] = None) -> None:
        self._focals = FocalLengths(focal)
        self._last: Dict[Optional[int], np.ndarray] = {}

    def __call__(self, lifted: Sequence[LiftedTrack]) -> List[LiftedTrack]:
        """Place the newest frames.

        Somebody whose place a frame does not tell stays where they were; who
        never had one is left out.
        """
        placed = []
        for track in lifted:
            there = _place(track, self._focals)
            if there is not None and there.root_trajectory is not None:
                self._last[track.track_id] = there.root_trajectory[-1]
            elif track.track_id in self._last:
                root = self._last[track.track_id]
                there = replace(
                    track.refocused(*_focal_of(track, self._focals)),
                    root_trajectory=np.tile(root, (len(track), 1)))
            if there is not None:
                placed.append(there)
        return placed


def _place(track: LiftedTrack,
           focals: FocalLengths,
           principal: Optional[Tuple[float, float]] = None,
           smooth: float = 0.) -> Optional[LiftedTrack]:
    """The track in the scene; None if no frame tells where it is."""
    pixels, how = _focal_of(track, focals)
    track = track.refocused(pixels, how, _principal(track, principal))
    roots = estimate_root_trajectory(track, pixels, principal, smooth)
    if not np.isfinite(roots).all():
        return None
    return replace(track, root_trajectory=roots)


def _focal_of(track: LiftedTrack, focals: FocalLengths) -> FocalLength:
    if not focals.given and track.focal_px is not None:
        return FocalLength(track.focal_px, track.focal_source or 'given')
    return focals.of(track.image_size)


def _principal(lifted: LiftedTrack,
               principal: Optional[Tuple[float, float]]) -> np.ndarray:
    middle = np.array(lifted.image_size) / 2
    return middle if principal is None else np.array(principal, float)
