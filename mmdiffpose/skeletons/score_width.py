# Copyright (c) mmdiffpose contributors. All rights reserved.
"""How far off a detector's joint is, by its score."""

from typing import Tuple

import numpy as np

SCORE_SIGMA = (0.0376, 0.613)
"""Std per axis of a joint of score 1 and of score 0, as shares of the person's
size (root of the mean squared distance of joints to their centre, median over
the frames). Fitted to the validation split of ``mocap-mini`` by
``tools/analysis_tools/fit_score_width.py``; within one and two of these stds
lie 72 % and 95 % of the errors there."""


def share_of_score(scores: np.ndarray,
                   sigma: Tuple[float, float] = SCORE_SIGMA) -> np.ndarray:
    """Std per axis of 2D joints, shares of the person's size.

    Args:
        scores (np.ndarray): (...), in [0, 1].
        sigma (tuple[float, float]): At score 1 and at score 0; log-linear in
            between.

    Returns:
        np.ndarray: (...).
    """
    at_one, at_zero = sigma
    return at_zero * (at_one / at_zero)**np.clip(scores, 0, 1)


def person_size(keypoints: np.ndarray) -> float:
    """Size of a person: root of the mean squared distance of the joints to
    their centre, median over the frames.

    Args:
        keypoints (np.ndarray): (F, J, D).

    Returns:
        float: In the unit of the joints.
    """
    offset = keypoints - keypoints.mean(1, keepdims=True)
    return float(np.median(np.sqrt((offset**2).sum(-1).mean(1))))
