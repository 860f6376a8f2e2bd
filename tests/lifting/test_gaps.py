# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Missing joints: bridged over short gaps, masked in long ones."""

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from mmdiffpose.lifting.gaps import (BRIDGED_SCORE, bridge_gaps,
                                     bridge_mixtures, default_max_gap,
                                     split_at_gaps)


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


@settings(deadline=None, max_examples=100)
@given(hnp.arrays(bool, st.integers(0, 40)), st.integers(0, 12))
def test_pieces_hold_all_sightings_and_no_long_gap(present, max_gap):
    pieces = split_at_gaps(present, max_gap)
    inside = np.zeros(len(present), int)
    for start, stop in pieces:
        inside[start:stop] += 1
        assert present[start] and present[stop - 1]
        longest = max(map(len, bytes(present[start:stop]).split(b'\1')))
        assert longest <= max_gap
    assert (inside[present] == 1).all() and inside.max(initial=0) <= 1
    for (_, stop), (start, _) in zip(pieces, pieces[1:]):
        assert start - stop > max_gap


@settings(deadline=None, max_examples=50)
@given(
    hnp.arrays(bool, (9, 3)).filter(np.any), st.integers(0, 9),
    st.integers(0, 99))
def test_bridging_stays_within_what_was_seen(seen, max_gap, seed):
    """Sightings as they came; stand-ins between them, never at (0, 0)."""
    rng = np.random.default_rng(seed)
    keypoints = np.where(seen[..., None], rng.uniform(100, 900, (9, 3, 2)), 0)
    scores = np.where(seen, 0.8, 0)
    filled, new_scores = bridge_gaps(keypoints, scores, max_gap)
    np.testing.assert_array_equal(filled[seen], keypoints[seen])
    np.testing.assert_array_equal(new_scores[seen], scores[seen])
    assert set(new_scores[~seen].tolist()) <= {0, BRIDGED_SCORE}
    low, high = keypoints[seen].min(0), keypoints[seen].max(0)
    assert (filled >= low - 1e-6).all() and (filled <= high + 1e-6).all()


def test_bridged_mixtures_are_wide_and_stand_where_the_joint_does():
    _, keypoints, scores = track([(4, 0)])
    mixtures = np.ones((12, 2, 3, 5))
    mixtures[..., 1:3] = keypoints[:, :, None]
    filled, _ = bridge_gaps(keypoints, scores, 3)
    bridged = bridge_mixtures(mixtures, filled, scores > 0)
    seen = scores > 0
    np.testing.assert_array_equal(bridged[seen], mixtures[seen])
    assert bridged[4, 0, :, 0].tolist() == [1, 0, 0]
    np.testing.assert_array_equal(bridged[4, 0, 0, 1:3], filled[4, 0])
    half = np.linalg.norm(filled[:, 0] - filled[:, 1], axis=-1) / 2
    np.testing.assert_allclose(bridged[4, 0, :, 3:], 0.6 * np.median(half))


@pytest.mark.parametrize('length, fps, expected',
                         [(243, 30, 15), (243, 50, 25), (27, 60, 13),
                          (9, None, 4), (243, None, 15), (1, 30, 1)])
def test_longest_gap(length, fps, expected):
    assert default_max_gap(length, fps) == expected
