# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Joints that a detector missed: interpolated, or masked if for long."""

from typing import List, Optional, Tuple

import numpy as np

from mmdiffpose.skeletons.score_width import person_size
from mmdiffpose.structures.keypoint_track import DEFAULT_FPS

BRIDGED_SCORE = 0.01
"""Score that a lifter gets for a bridged joint: hardly any trust."""
BRIDGED_WIDTH = 0.6
"""Std of a bridged joint in the image, as a share of the person's size: as
wide as codecs take a joint of that score to be."""
LONGEST_GAP = 0.5
"""Seconds that are bridged at most: a limb may swing there and back in it."""


def default_max_gap(length: int, fps: Optional[float] = None) -> int:
    """Frames of the longest gap that is bridged.

    Half a window, so that there is something to see in every window, and
    never more than :data:`LONGEST_GAP`.

    Args:
        length (int): Frames T of a window.
        fps (float, optional): Frames a second. Defaults to 30.

    Returns:
        int: At least 1.
    """
    return max(1, min(length // 2, round(LONGEST_GAP * (fps or DEFAULT_FPS))))


def split_at_gaps(present: np.ndarray, max_gap: int) -> List[Tuple[int, int]]:
    """Pieces of a track between its long gaps.

    Args:
        present (np.ndarray): (F, ) bool, frames in which the person was seen.
        max_gap (int): Frames of the longest gap within a piece.

    Returns:
        list[tuple[int, int]]: First row and the row after the last of each
        piece; the person was seen in both its first and its last row. Every
        row with the person is in exactly one piece.
    """
    seen = np.flatnonzero(present)
    if not len(seen):
        return []
    last = np.flatnonzero(np.diff(seen) - 1 > max_gap)
    starts = seen[np.append(0, last + 1)]
    stops = seen[np.append(last, len(seen) - 1)] + 1
    return list(zip(starts.tolist(), stops.tolist()))


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
    for joint in np.flatnonzero(seen.any(0) & ~seen.all(0)):
        known = np.flatnonzero(seen[:, joint])
        unseen = np.flatnonzero(~seen[:, joint])
        for axis in range(2):
            keypoints[unseen, joint,
                      axis] = np.interp(unseen, known, keypoints[known, joint,
                                                                 axis])
        gap = np.diff(known) - 1
        for start in np.flatnonzero((gap > 0) & (gap <= max_gap)):
            scores[known[start] + 1:known[start + 1], joint] = BRIDGED_SCORE
    never = ~seen.any(0)
    if never.any():
        keypoints[:, never] = keypoints[:, ~never].mean(1, keepdims=True)
    return keypoints, scores


def bridge_mixtures(mixtures: np.ndarray, keypoints: np.ndarray,
                    seen: np.ndarray) -> np.ndarray:
    """Mixtures of joints that were not seen: wide, around their stand-ins.

    Args:
        mixtures (np.ndarray): (F, J, M, 5), pixels.
        keypoints (np.ndarray): (F, J, 2) from :func:`bridge_gaps`, pixels.
        seen (np.ndarray): (F, J) bool, joints whose mixtures are kept.

    Returns:
        np.ndarray: (F, J, M, 5).
    """
    if seen.all():
        return mixtures
    mixtures = mixtures.copy()
    size = person_size(keypoints)
    stand_in = np.ones_like(mixtures[~seen])
    stand_in[:, 1:, 0] = 0
    stand_in[..., 1:3] = keypoints[~seen][:, None]
    stand_in[..., 3:] = BRIDGED_WIDTH * max(size, 1.)
    mixtures[~seen] = stand_in
    return mixtures
