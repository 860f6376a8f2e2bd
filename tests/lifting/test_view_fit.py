# Copyright (c) mmdiffpose contributors. All rights reserved.
"""One similarity moves a track into the training view."""

import hypothesis.strategies as st
import numpy as np
from hypothesis import given, settings

from mmdiffpose.lifting.view_fit import fit_to_training

STATS = dict(bbox_center=(528., 427.), bbox_scale=400.)


def fit_view(keypoints, scores, stats):
    """The keypoints in the training view, and the size of its image."""
    fit = fit_to_training(keypoints, scores, stats)
    return fit.points(keypoints), fit.image_size


def walk():
    rng = np.random.default_rng(0)
    pose = rng.uniform(-1, 1, (1, 17, 2)) * [60, 200]
    drift = np.linspace(-300, 300, 40)[:, None, None] * [1, 0]
    return pose + drift + [900, 400], np.ones((40, 17))


def test_person_gets_the_training_size_and_place():
    keypoints, scores = walk()
    fitted, size = fit_view(keypoints, scores, STATS)
    low, high = fitted.min(1), fitted.max(1)
    assert size == (1000, 1000)
    np.testing.assert_allclose((high - low).max(1), 400)
    np.testing.assert_allclose(
        np.median((low + high) / 2, 0), STATS['bbox_center'])
    # Walking over the picture remains walking over the picture.
    assert np.ptp(fitted[:, 0, 0]) > 500


@settings(deadline=None, max_examples=25)
@given(st.floats(0.2, 5), st.floats(-500, 500), st.floats(-500, 500))
def test_where_and_how_large_the_person_was_filmed_does_not_matter(
        zoom, dx, dy):
    keypoints, scores = walk()
    fitted, _ = fit_view(keypoints, scores, STATS)
    moved, _ = fit_view(keypoints * zoom + [dx, dy], scores, STATS)
    np.testing.assert_allclose(moved, fitted, atol=1e-6)


def test_joints_not_seen_do_not_count():
    keypoints, scores = walk()
    fitted, _ = fit_view(keypoints, scores, STATS)
    keypoints[:, 3], scores[:, 3] = 0, 0
    scores[7] = 0
    other, _ = fit_view(keypoints, scores, STATS)
    seen = scores > 0
    np.testing.assert_allclose(other[seen], fitted[seen], atol=40)


def test_image_size_of_the_training_set():
    stats = dict(STATS, image_size=(640, 480))
    assert fit_view(*walk(), stats)[1] == (640, 480)
