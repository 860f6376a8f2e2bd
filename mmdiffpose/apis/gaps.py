# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Joints that a detector missed: bridged over short gaps, masked in long."""

from typing import Tuple

import numpy as np

BRIDGED_SCORE = 0.01
"""Score that a lifter gets for a bridged joint: hardly any trust."""


def bridge_gaps(keypoints: np.ndarray, scores: np.ndarray,
                max_gap: int) -> Tuple[np.ndarray, np.ndarray]:
    """Give a lifter sensible coordinates where joints were not seen.

    A joint missing between two sightings for at most ``max_gap`` frames is
    interpolated and scored :data:`BRIDGED_SCORE`, so that the lifter is unsure
    of it. Every other missing joint keeps its score of 0, by which codecs mask
    it; it stands where it was seen nearest in time, or at the centre of the
    frame's joints if it never was, for models that do not mask. So no model
    meets the (0, 0) that detectors write for missing joints.

    Args:
        keypoints (np.ndarray): (F, J, 2), pixels.
        scores (np.ndarray): (F, J), 0 for a joint that was not seen; at least
            one joint was.
        max_gap (int): Longest gap to bridge, frames.

    Returns:
        tuple[np.ndarray, np.ndarray]: Filled keypoints (F, J, 2) and scores
        (F, J); joints that were seen are returned as they came.
    """
    keypoints, scores = keypoints.copy(), scores.copy()
    seen = scores > 0
    if seen.all():
        return keypoints, scores
    time = np.arange(len(scores))
    for joint in np.flatnonzero(seen.any(0) & ~seen.all(0)):
        known = np.flatnonzero(seen[:, joint])
        for axis in range(2):
            keypoints[:, joint,
                      axis] = np.interp(time, known, keypoints[known, joint,
                                                               axis])
        gap = np.diff(known) - 1
        for start in np.flatnonzero((gap > 0) & (gap <= max_gap)):
            scores[known[start] + 1:known[start + 1], joint] = BRIDGED_SCORE
    never = ~seen.any(0)
    if never.any():
        keypoints[:, never] = keypoints[:, ~never].mean(1, keepdims=True)
    return keypoints, scores
