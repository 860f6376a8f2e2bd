# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Missing joints: bridged over short gaps, masked in long ones."""

import numpy as np

from mmdiffpose.apis.gaps import BRIDGED_SCORE, bridge_gaps


def track(missing, frames=12):
    """Joints moving at constant speed, (0, 0) and score 0 where missing."""
    time = np.arange(frames, dtype=np.float32)
    keypoints = np.stack([
        np.stack([100 + 10 * time, 50 + 5 * time], -1),
        np.stack([200 - 3 * time, 80 + 0 * time], -1),
    ], 1)
    truth = keypoints.copy()
    scores = np.full((frames, 2), 0.8, np.float32)
    for frame, joint in missing:
        keypoints[frame, joint] = scores[frame, joint] = 0
    return truth, keypoints, scores


def test_nothing_missing_nothing_changed():
    truth, keypoints, scores = track([])
    filled, new_scores = bridge_gaps(keypoints, scores, 3)
    np.testing.assert_array_equal(filled, truth)
    np.testing.assert_array_equal(new_scores, scores)


def test_short_gap_is_bridged_and_hardly_trusted():
    truth, keypoints, scores = track([(4, 0), (5, 0), (6, 0)])
    filled, new_scores = bridge_gaps(keypoints, scores, 3)
    np.testing.assert_allclose(filled, truth, rtol=1e-6)
    assert np.allclose(new_scores[4:7, 0], BRIDGED_SCORE)
    assert (np.delete(new_scores[:, 0], [4, 5, 6]) == np.float32(0.8)).all()
    assert (scores[4:7, 0] == 0).all(), 'the input is not touched'


def test_long_gap_and_ends_stay_masked():
    missing = [(f, 0) for f in (0, 1, 4, 5, 6, 7, 11)]
    _, keypoints, scores = track(missing)
    filled, new_scores = bridge_gaps(keypoints, scores, 3)
    assert (new_scores[[f for f, _ in missing], 0] == 0).all()
    np.testing.assert_array_equal(filled[0, 0], filled[2, 0])
    np.testing.assert_array_equal(filled[11, 0], filled[10, 0])


def test_joint_never_seen_is_masked_and_off_the_origin():
    _, keypoints, scores = track([(f, 1) for f in range(12)])
    filled, new_scores = bridge_gaps(keypoints, scores, 3)
    assert (new_scores[:, 1] == 0).all()
    np.testing.assert_array_equal(filled[:, 1], filled[:, 0])
