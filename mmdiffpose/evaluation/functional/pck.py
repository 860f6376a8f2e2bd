# Copyright (c) mmdiffpose contributors. All rights reserved.
"""3D percentage of correct keypoints and the area under its curve.

As MPI-INF-3DHP's evaluation defines them (Mehta et al., "Monocular 3D Human
Pose Estimation In The Wild Using Improved CNN Supervision", 3DV 2017): a joint
is correct when its error is strictly below the threshold; AUC is the mean PCK
over the thresholds 0, 5, ..., 150 mm, 0 (where nothing is correct) included.
"""

from typing import Sequence, Union

import numpy as np

AUC_THRESHOLDS_MM = tuple(range(0, 151, 5))
"""The 31 thresholds of AUC, mm."""


def correct_joints(errors: np.ndarray,
                   threshold: Union[float, np.ndarray] = 150.) -> np.ndarray:
    """1 where an error is strictly below the threshold, else 0.

    Args:
        errors: Joint errors of any shape, in the threshold's unit.
        threshold: Threshold, mm by default.

    Returns:
        Float array of the shape of ``errors``; NaN where an error is.
    """
    return np.where(np.isnan(errors), np.nan, errors < threshold)


def correct_joints_auc(
        errors: np.ndarray,
        thresholds: Sequence[float] = AUC_THRESHOLDS_MM) -> np.ndarray:
    """Share of the thresholds at which each joint is correct.

    Its mean over joints and poses is AUC, because the means over joints and
    over thresholds commute.

    Args:
        errors: Joint errors of any shape, in the thresholds' unit.
        thresholds: Thresholds in ascending order, mm by default.

    Returns:
        Float array of the shape of ``errors``, in [0, 1]; NaN where an error
        is.
    """
    ascending = np.asarray(thresholds, np.float64)
    if ascending.ndim != 1 or len(ascending) == 0 or np.any(
            np.diff(ascending) <= 0):
        raise ValueError('AUC thresholds must ascend strictly, got '
                         f'{thresholds}.')
    passed = np.searchsorted(ascending, errors, side='right')
    return np.where(np.isnan(errors), np.nan, 1 - passed / len(ascending))


def pck(errors: np.ndarray, threshold: float = 150.) -> float:
    """PCK in percent over all the given joint errors."""
    return 100 * float(correct_joints(errors, threshold).mean())


def auc(errors: np.ndarray,
        thresholds: Sequence[float] = AUC_THRESHOLDS_MM) -> float:
    """AUC in percent over all the given joint errors."""
    return 100 * float(correct_joints_auc(errors, thresholds).mean())
