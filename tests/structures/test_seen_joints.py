# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Scales of scores, and thresholds."""

import warnings

import numpy as np
import pytest
from fake_lifter import make_track

from mmdiffpose.skeletons import COCO_17
from mmdiffpose.structures.seen_joints import (PixelCheck, ScoreScale,
                                               check_pixels, drop_far_outside,
                                               mark_unseen, score_scale,
                                               scores_to_one)

SCORES = np.random.default_rng(0).beta(6, 2, (40, 17))
"""A detector's, mostly high."""


@pytest.mark.parametrize('factor, scale', [(1, 1), (1.3, 1), (10, 10), (8, 10),
                                           (100, 100), (90, 100)])
def test_scales_are_known_by_most_of_the_scores(factor, scale):
    scores = SCORES * factor
    assert score_scale(scores, 'x') == scale
    scores[3, 5] = 300 * factor  # an outlier
    assert score_scale(scores, 'x') == scale
    scores[SCORES < .8] = 0  # joints that were not seen
    assert score_scale(scores, 'x') == scale


def test_flags_and_what_is_no_scale():
    assert score_scale(np.array([0, 1, 2, 2, 1]), 'x') == 2
    assert score_scale(np.array([0, 1, 1, 1.]), 'x') == 1
    assert score_scale(np.zeros(4), 'x') == 1
    with pytest.raises(ValueError, match='a.json: expected scores from 0 to'):
        score_scale(SCORES * 1e4, 'a.json')


def test_scaled_once_and_said():
    with pytest.warns(UserWarning, match='a.json: scores are taken as perc'):
        found = scores_to_one((SCORES * 100).astype(np.float32), 'a.json')
    np.testing.assert_allclose(found, SCORES, rtol=1e-5)
    assert found.dtype == np.float32
    to_one = ScoreScale('stream')
    with pytest.warns(UserWarning, match='from 0 to 10') as told:
        found = [to_one(10 * row) for row in SCORES]
    assert len(told) == 1
    np.testing.assert_allclose(found, SCORES)


def test_a_stream_that_starts_with_low_scores():
    to_one = ScoreScale('stream')
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        assert (to_one(np.zeros(17)) == 0).all()
        assert to_one(np.full(17, 1.)).max() == 1
    with pytest.warns(UserWarning, match='percents'):
        assert to_one(np.full(17, 90.)).max() == .9
    assert to_one(np.full(17, 1.)).max() == .01


def test_tracks_are_scaled_and_cut():
    track = make_track(9, COCO_17)
    with pytest.warns(UserWarning, match='divided by 100'):
        scaled = type(track)(track.keypoints, 100 * track.scores,
                             track.image_size, COCO_17)
    np.testing.assert_allclose(scaled.scores, track.scores)
    track.scores[:, 3] = .2
    cut = track.above(.3)
    assert (cut.scores[:, 3] == 0).all() and (cut.keypoints[:, 3] == 0).all()
    assert (np.delete(cut.scores, 3, 1) == np.float32(.9)).all()
    assert track.above(0) is track and track.above(.95) is None
    for wrong in (-1, 1.5, '0.3', True, np.nan):
        with pytest.raises(ValueError, match='score_thr should be a number'):
            track.above(wrong)


PLACES = np.random.default_rng(1).uniform([400, 100], [700, 700], (40, 17, 2))
"""A person's, in a picture of 1280 x 720."""


@pytest.mark.parametrize('places, message', [
    (PLACES / [1280, 720], 'between 0.2.* as shares of the picture'),
    (100 * PLACES / [1280, 720], 'between 2.* as percents of the picture'),
    (PLACES * 4, '100 % of them outside of it, .* x 16.* and 27'),
    (9 * PLACES - [4950, 3600], '9. % of them outside .*places in space'),
])
def test_what_is_no_pixels(places, message):
    check_pixels(PLACES, SCORES, (1280, 720), 'a')
    # Somebody of whom less than half has left the picture.
    check_pixels(PLACES + [700, 0], SCORES, (1280, 720), 'a')
    with pytest.raises(
            ValueError, match=f'a: expected keypoints in .*{message}'):
        check_pixels(places, SCORES, (1280, 720), 'a')
    # Joints that were not seen say nothing.
    check_pixels(places, 0 * SCORES, (1280, 720), 'a')
    check = PixelCheck()
    count = 1 if 'shares' in message else 25
    for row in range(count - 1):
        check(places[row], SCORES[row], (1280, 720), 'b')
    with pytest.raises(ValueError, match='b: expected keypoints in pixels'):
        check(places[count], SCORES[count], (1280, 720), 'b')


def test_a_corner_is_no_unit():
    """One sighting elsewhere, and the count starts again."""
    check = PixelCheck()
    for row in range(80):
        places = PLACES[row % 40] / (1 if row % 20 == 0 else 10)
        check(places, SCORES[0], (1280, 720), 'b')


@pytest.mark.parametrize('place', [(0, 0), (-1, -1), (-100, -100),
                                   (-999, -999), (np.nan, 4), (np.inf, 4)])
def test_places_that_are_none(place):
    places, scores = PLACES[0].copy(), SCORES[0]
    places[3] = place
    keypoints, found = mark_unseen(places, scores)
    assert found[3] == 0 and (keypoints[3] == 0).all()
    rest = np.arange(17) != 3
    np.testing.assert_array_equal(found[rest], scores[rest])
    # Detectors put joints outside of the picture, but not so.
    for place in ((0, 5), (-3.5, -3.5), (-7, -8), (9, 9)):
        places[3] = place
        assert (mark_unseen(places, scores)[1] == scores).all()


def test_places_far_outside_are_none():
    places = PLACES.copy()
    places[3, 4], places[5, 6], places[7, 8] = ((9999, 9999), (100, -1441),
                                                (2000, -500))
    with pytest.warns(UserWarning, match=r'2 joints lie .*9999.0, 9999.0.*n'):
        found = drop_far_outside(places, SCORES, (1280, 720), 'a')
    assert found[3, 4] == found[5, 6] == 0 and found[7, 8] == SCORES[7, 8]
    assert (found == 0).sum() == 2
    assert drop_far_outside(PLACES, SCORES, (1280, 720), 'a') is SCORES
