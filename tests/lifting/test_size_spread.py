# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What is unsure of the size, with values worked out by hand."""

import numpy as np
import pytest

from mmdiffpose.lifting.size_spread import (BY_CHANCE, LEAST_LEFT,
                                            at_known_size, size_std,
                                            spread_heights)

# Logarithms 0.1 apart: a standard deviation of 0.1 * sqrt(5 / 3).
HEIGHTS = 1.7 * np.exp([-.15, -.05, .05, .15])
SPREAD = .1 * np.sqrt(5 / 3)


def test_the_surest_coordinates_tell_the_spread_of_size():
    """Half of the coordinates are unsure of the size alone."""
    square = np.array([1., .25, .04, .01])
    shape = np.array([0., 0., .003, .004])
    variance = .1**2 * square + shape
    # As much in another piece.
    pieces = [(variance.reshape(1, 4, 1), square.reshape(1, 4, 1))] * 2
    assert size_std(pieces, HEIGHTS) == pytest.approx(.1)
    left = variance * at_known_size(variance, square, .1, 0.)
    np.testing.assert_allclose(
        left, [LEAST_LEFT * .01, LEAST_LEFT * .0025, .003, .004])


def test_the_quantile_by_hand():
    # Shares 0.01, 0.02 ... 0.21: a twentieth of the way is the second.
    variance = np.linspace(.01, .21, 21).reshape(1, 21, 1)
    assert size_std([(variance, np.ones_like(variance))],
                    HEIGHTS * [.5, 1, 1, 2]) == pytest.approx(np.sqrt(.02))


def test_no_more_than_hypotheses_allow():
    wide = [(np.full((2, 3, 1), 1.), np.full((2, 3, 1), 1.))]
    assert size_std(wide, HEIGHTS) == pytest.approx(BY_CHANCE * SPREAD)
    assert size_std(wide, np.full(10, 1.7)) == 0
    assert size_std(wide, HEIGHTS[:1]) == 0
    assert size_std(wide, np.empty(0)) == 0


def test_where_a_pose_is_0_nothing_is_of_the_size():
    variance = np.array([0., .01, .02]).reshape(1, 3, 1)
    square = np.array([0., 0., 1.]).reshape(1, 3, 1)
    assert size_std([(variance, square)],
                    HEIGHTS) == pytest.approx(np.sqrt(.02))
    assert size_std([(variance[:, :2], square[:, :2])], HEIGHTS) == 0
    np.testing.assert_allclose(
        at_known_size(variance, square, .1, 0.).ravel(), [1, 1, .5])


def test_a_gaussian_size_and_shape_given_the_size():
    """The conditional variance of draws of a product, from draws."""
    rng = np.random.default_rng(0)
    shape = np.array([.7, -.3, .1]) + [.02, .05, .04] * rng.standard_normal(
        (200_000, 3))
    size = np.exp(.1 * rng.standard_normal(200_000))
    drawn = size[:, None] * shape
    near = np.abs(np.log(size)) < .005
    ratio = at_known_size(drawn.var(0), drawn.mean(0)**2, .1, 0.)
    np.testing.assert_allclose(
        np.sqrt(drawn.var(0) * ratio), drawn[near].std(0), rtol=.04)
    # And of a size that is known to four percent.
    vague = np.exp(.04 * rng.standard_normal(200_000))[:, None] * shape
    ratio = at_known_size(drawn.var(0), drawn.mean(0)**2, .1, .04)
    np.testing.assert_allclose(
        np.sqrt(drawn.var(0) * ratio), vague.std(0), rtol=.03)


def test_as_unsure_as_before():
    variance, square = np.array([.01, .02]), np.array([.5, .5])
    np.testing.assert_allclose(at_known_size(variance, square, .1, .1), 1)


def test_heights_of_hypotheses():
    known = spread_heights(np.array([1.5, 1.9, 1.6]), 1.7, .17)
    # Quantiles 1/6, 1/2 and 5/6 of a normal distribution are -z, 0 and z,
    # whose standard deviation is z: a tenth below, at, and above.
    np.testing.assert_allclose(known, 1.7 * np.exp([-.1, .1, 0]))
    np.testing.assert_allclose(spread_heights(HEIGHTS, 1.7, 0.), [1.7] * 4)
    np.testing.assert_allclose(spread_heights(HEIGHTS[:1], 1.7, .1), [1.7])


def test_hypotheses_of_one_height_differ_by_what_is_unsure():
    logs = np.log(spread_heights(np.full(10, 1.6), 1.69, .1))
    assert logs.mean() == pytest.approx(np.log(1.69))
    assert logs.std(ddof=1) == pytest.approx(.1 / 1.69)
    assert len(set(logs)) == 10
