# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Errors of velocity and acceleration within one video.

Differences are taken between frames of a whole video, never over the seam of
two windows that happen to follow one another in a batch, and never over a gap
in the frame indices. The unit is that of the poses, per frame (velocity) or
per frame squared (acceleration).
"""

from typing import Optional, Tuple

import numpy as np

from .mpjpe import check_poses


def smallest_step(frame_ids: np.ndarray) -> int:
    """Smallest distance of two frames of a video, 0 if it has but one.

    Args:
        frame_ids: Ascending frame indices (T,).
    """
    return int(np.diff(frame_ids).min()) if len(frame_ids) > 1 else 0


def consecutive(frame_ids: np.ndarray,
                order: int,
                step: int = 1) -> np.ndarray:
    """Where a difference of the given order spans no gap.

    Args:
        frame_ids: Ascending frame indices of one video (T,).
        order: 1 for velocity, 2 for acceleration.
        step: Distance of neighbouring frames.

    Returns:
        Bool (T - order,).
    """
    if len(frame_ids) <= order:
        return np.zeros(0, bool)
    neighbours = np.diff(frame_ids) == step
    return np.lib.stride_tricks.sliding_window_view(neighbours,
                                                    order).all(axis=-1)


def difference_errors(
        residual: np.ndarray,
        frame_ids: np.ndarray,
        order: int,
        step: int = 1,
        mask: Optional[np.ndarray] = None) -> Tuple[np.ndarray, np.ndarray]:
    """Norms of the time differences of prediction minus truth.

    Differences are linear, so the error of the velocity is the velocity of
    the error, and the two trajectories are not needed one by one.

    Args:
        residual: Prediction minus truth in one video (T, J, 3).
        frame_ids: Ascending frame indices (T,).
        order: 1 for velocity, 2 for acceleration.
        step: Distance of neighbouring frames.
        mask: Joints that count (T, J). A difference counts where its joint
            does in all of its frames. Defaults to all.

    Returns:
        Errors (T - order, J), and which of them count, bool, same shape.
    """
    num_frames, num_joints, _ = residual.shape
    counted = np.broadcast_to(
        consecutive(frame_ids, order, step)[:, None],
        (max(num_frames - order, 0), num_joints))
    errors = np.linalg.norm(np.diff(residual, n=order, axis=0), axis=-1)
    if mask is not None and len(errors):
        seen = np.lib.stride_tricks.sliding_window_view(
            mask, order + 1, axis=0)
        counted = counted & seen.all(axis=-1)
    return errors, counted


def _mean_difference_error(pred: np.ndarray, gt: np.ndarray,
                           frame_ids: Optional[np.ndarray], order: int,
                           step: int) -> float:
    check_poses(pred, gt)
    if pred.ndim != 3:
        raise ValueError('One video (T, J, 3) is expected, got the shape '
                         f'{pred.shape}.')
    if frame_ids is None:
        frame_ids = step * np.arange(len(pred))
    elif np.shape(frame_ids) != pred.shape[:1]:
        raise ValueError(f'{len(pred)} frames, but frame_ids has the shape '
                         f'{np.shape(frame_ids)}.')
    elif np.any(np.diff(frame_ids) <= 0):
        raise ValueError('frame_ids must ascend strictly.')
    errors, counted = difference_errors(pred - gt, frame_ids, order, step)
    return float(errors[counted].mean()) if counted.any() else float('nan')


def mpjve(pred: np.ndarray,
          gt: np.ndarray,
          frame_ids: Optional[np.ndarray] = None,
          step: int = 1) -> float:
    """Mean per-joint velocity error of one video.

    The mean norm of the difference of first differences (Pavllo et al., "3D
    human pose estimation in video with temporal convolutions and
    semi-supervised training", CVPR 2019).

    Args:
        pred: Predicted poses of one video (T, J, 3).
        gt: True poses (T, J, 3).
        frame_ids: Strictly ascending frame indices (T,). Defaults to
            consecutive frames.
        step: Distance of neighbouring frames; wider gaps are not bridged.

    Returns:
        The error, in the poses' unit per frame; NaN without two neighbours.
    """
    return _mean_difference_error(pred, gt, frame_ids, 1, step)


def acceleration_error(pred: np.ndarray,
                       gt: np.ndarray,
                       frame_ids: Optional[np.ndarray] = None,
                       step: int = 1) -> float:
    """Mean norm of the difference of second differences of one video.

    Args and return value as :func:`mpjve`, per frame squared.
    """
    return _mean_difference_error(pred, gt, frame_ids, 2, step)
