# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Mean per-joint position error and its two aligned variants.

All functions are vectorised over leading axes ``...`` and keep the unit of
their input. ``mask`` is True where a joint counts.
"""

from typing import Optional

import numpy as np

from .procrustes import align_scale, align_similarity


def centre_on_root(poses: np.ndarray, root_index: int = 0) -> np.ndarray:
    """Subtract the root joint of each pose.

    Protocol 1 compares poses relative to their own root: the *predicted*
    root is subtracted from a prediction, also where a regressor moved it off
    the origin.

    Args:
        poses: (..., J, 3).
        root_index: Index of the root joint.

    Returns:
        A new array (..., J, 3); never a view that aliases the input.
    """
    if not 0 <= root_index < poses.shape[-2]:
        raise ValueError(f'root_index {root_index} is not a joint of poses '
                         f'with {poses.shape[-2]} joints.')
    return poses - poses[..., root_index:root_index + 1, :]


def joint_errors(pred: np.ndarray, gt: np.ndarray) -> np.ndarray:
    """Euclidean distance of each joint, (..., J, 3) -> (..., J)."""
    return np.linalg.norm(pred - gt, axis=-1)


def masked_mean(values: np.ndarray,
                mask: Optional[np.ndarray] = None,
                axis: int = -1) -> np.ndarray:
    """Mean of ``values`` where ``mask`` is True; NaN where nothing counts."""
    if mask is None:
        return values.mean(axis=axis)
    mask = np.broadcast_to(mask, values.shape)
    count = mask.sum(axis=axis)
    total = np.where(mask, values, 0).sum(axis=axis)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def check_poses(pred: np.ndarray,
                gt: np.ndarray,
                mask: Optional[np.ndarray] = None) -> None:
    """Raise a ValueError unless the shapes are (..., J, 3) twice and (..., J).

    Args:
        pred: Predicted poses.
        gt: True poses.
        mask: Which joints count.
    """
    if pred.ndim < 2 or pred.shape[-1] != 3:
        raise ValueError('Poses must have the shape (..., J, 3), but the '
                         f'prediction has {pred.shape}.')
    if pred.shape != gt.shape:
        raise ValueError(f'The prediction has the shape {pred.shape}, the '
                         f'ground truth {gt.shape}: they must agree.')
    if mask is not None and mask.shape != gt.shape[:-1]:
        raise ValueError(f'The mask must have the shape {gt.shape[:-1]}, but '
                         f'has {mask.shape}.')


def mpjpe(pred: np.ndarray,
          gt: np.ndarray,
          mask: Optional[np.ndarray] = None) -> np.ndarray:
    """Mean per-joint position error of each pose.

    No alignment: centre both on their roots first (:func:`centre_on_root`)
    for Protocol 1 of Human3.6M.

    Args:
        pred: Predicted poses (..., J, 3).
        gt: True poses (..., J, 3).
        mask: Joints that count (..., J), bool. Defaults to all.

    Returns:
        (...,), NaN for a pose without a joint that counts.
    """
    check_poses(pred, gt, mask)
    return masked_mean(joint_errors(pred, gt), mask)


def p_mpjpe(pred: np.ndarray,
            gt: np.ndarray,
            mask: Optional[np.ndarray] = None) -> np.ndarray:
    """MPJPE after the best similarity transform of each pose (Protocol 2).

    Args and return value as :func:`mpjpe`.
    """
    check_poses(pred, gt, mask)
    return mpjpe(align_similarity(pred, gt, mask), gt, mask)


def n_mpjpe(pred: np.ndarray,
            gt: np.ndarray,
            mask: Optional[np.ndarray] = None) -> np.ndarray:
    """MPJPE after the best scaling of each pose about the origin.

    For root-relative poses that is the scale-normalised error of Rhodin et
    al., "Unsupervised Geometry-Aware Representation for 3D Human Pose
    Estimation", ECCV 2018.

    Args and return value as :func:`mpjpe`.
    """
    check_poses(pred, gt, mask)
    return mpjpe(align_scale(pred, gt, mask), gt, mask)
