# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Least-squares alignment of predicted poses with the truth, in batches."""

from typing import Optional

import numpy as np


def _weights(mask: Optional[np.ndarray], poses: np.ndarray) -> np.ndarray:
    """Mask (..., J) as weights (..., J, 1) that sum to one, or to zero."""
    if mask is None:
        mask = np.ones(poses.shape[:-1], bool)
    weights = mask.astype(np.float64)[..., None]
    return weights / np.maximum(weights.sum(axis=-2, keepdims=True), 1)


def _safe_ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Numerator / denominator, 0 where the denominator is 0."""
    positive = denominator > 0
    return np.where(positive, numerator / np.where(positive, denominator, 1),
                    0)


def align_similarity(pred: np.ndarray,
                     gt: np.ndarray,
                     mask: Optional[np.ndarray] = None) -> np.ndarray:
    """Move each predicted pose onto the truth by a similarity transform.

    Rotation, translation and scale in closed form (Umeyama, "Least-squares
    estimation of transformation parameters between two point patterns", PAMI
    1991). The rotation is proper: a mirrored pose stays mirrored. A pose
    whose joints coincide has no scale; it is moved onto the truth's centroid.

    Args:
        pred: Predicted poses (..., J, 3).
        gt: True poses (..., J, 3).
        mask: Joints that the alignment is fitted on (..., J). Defaults to
            all. All joints are moved.

    Returns:
        Aligned predictions (..., J, 3), float64; NaN for a pose of which a
        joint that it is fitted on is NaN or infinite.
    """
    weights = _weights(mask, gt)
    # A masked joint may carry NaN, which 0 * NaN would let through.
    pred_seen = np.where(weights > 0, pred, 0.)
    gt_seen = np.where(weights > 0, gt, 0.)
    pred_mean = (weights * pred_seen).sum(axis=-2, keepdims=True)
    gt_mean = (weights * gt_seen).sum(axis=-2, keepdims=True)
    pred_centred = pred_seen - pred_mean
    # In units of its own size, or squares of a tiny pose vanish.
    size = np.abs(np.where(weights > 0, pred_centred, 0)).max(
        axis=(-1, -2), keepdims=True, initial=0.)
    size = np.where(size > 0, size, 1)
    pred_centred = pred_centred / size
    covariance = np.swapaxes(gt_seen - gt_mean, -1, -2) @ (
        weights * pred_centred)
    known = np.isfinite(covariance).all(axis=(-1, -2), keepdims=True)
    u, singular, vh = np.linalg.svd(np.where(known, covariance, 0.))
    # det(U) det(V) = -1 marks a reflection: turn the weakest axis around.
    sign = np.ones(singular.shape)
    sign[..., 2] = np.where(np.linalg.det(u) * np.linalg.det(vh) < 0, -1, 1)
    rotation = (u * sign[..., None, :]) @ vh
    variance = (weights * pred_centred**2).sum(axis=(-1, -2))
    scale = _safe_ratio((singular * sign).sum(axis=-1), variance)
    scale = np.where(known, scale[..., None, None], np.nan)
    return scale * (
        (pred - pred_mean) / size) @ np.swapaxes(rotation, -1, -2) + gt_mean


def align_scale(pred: np.ndarray,
                gt: np.ndarray,
                mask: Optional[np.ndarray] = None) -> np.ndarray:
    """Scale each predicted pose about the origin to fit the truth best.

    Args:
        pred: Predicted poses (..., J, 3).
        gt: True poses (..., J, 3).
        mask: Joints that the scale is fitted on (..., J). Defaults to all.

    Returns:
        Scaled predictions (..., J, 3). A pose that lies in the origin, which
        no scale moves, stays there.
    """
    weights = _weights(mask, gt) > 0
    pred_seen = np.where(weights, pred, 0.)
    gt_seen = np.where(weights, gt, 0.)
    scale = _safe_ratio((pred_seen * gt_seen).sum(axis=(-1, -2)),
                        (pred_seen**2).sum(axis=(-1, -2)))
    return scale[..., None, None] * pred
