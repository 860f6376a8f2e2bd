# Copyright (c) mmdiffpose contributors. All rights reserved.
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from mmdiffpose.evaluation.functional import (CALIBRATION_LEVELS,
                                              cgnf_calibration_error,
                                              covered_share,
                                              expected_calibration_error,
                                              region_sizes, samples_nearer)

laws = settings(deadline=None, max_examples=30)


def test_region_sizes_are_the_known_quantiles():
    np.testing.assert_allclose(
        region_sizes((0.5, 0.95)), (0.674490, 1.959964), atol=1e-6)
    # Square roots of the chi-square quantiles with 3 degrees of freedom.
    np.testing.assert_allclose(
        region_sizes((0.5, 0.95), 'ball')**2, (2.365974, 7.814728), atol=1e-6)


@pytest.mark.parametrize('region', ['axis', 'ball'])
def test_normal_residuals_are_calibrated(region):
    generator = np.random.default_rng(0)
    std = generator.gamma(2, size=(40_000, ))
    residual = generator.normal(size=(40_000, 3)) * std[:, None]
    coverage = covered_share(residual, std, CALIBRATION_LEVELS,
                             region).mean(axis=0)
    np.testing.assert_allclose(coverage, CALIBRATION_LEVELS, atol=0.01)
    assert expected_calibration_error(CALIBRATION_LEVELS, coverage) < 0.005
    for factor in (0.5, 2):
        off = covered_share(residual, factor * std, CALIBRATION_LEVELS,
                            region).mean(axis=0)
        assert np.all((off > coverage) == (factor > 1))
        assert expected_calibration_error(CALIBRATION_LEVELS, off) > 0.1


def test_by_hand():
    residual = np.array([[0., 1.9, 2.1], [0., 0., 0.], [0., 0., 1e-9]])
    std = np.array([1., 0., 0.])
    np.testing.assert_allclose(
        covered_share(residual, std, [0.95]), [[2 / 3], [1], [2 / 3]])
    np.testing.assert_allclose(
        covered_share(residual, std, [0.95], 'ball'), [[0], [1], [0]])
    assert expected_calibration_error(
        (0.5, 0.9), np.array([0.4, 1.])) == pytest.approx(0.1)


@laws
@given(
    seed=st.integers(0, 2**32 - 1), region=st.sampled_from(['axis', 'ball']))
def test_coverage_grows_with_the_level(seed, region):
    generator = np.random.default_rng(seed)
    residual = generator.standard_cauchy((30, 3))
    share = covered_share(residual, generator.gamma(1, size=30),
                          CALIBRATION_LEVELS, region)
    assert np.all(np.diff(share, axis=-1) >= 0)


def test_bad_input():
    with pytest.raises(ValueError, match='region'):
        region_sizes([0.5], 'cube')
    with pytest.raises(ValueError, match='Levels'):
        region_sizes([1.])
    with pytest.raises(ValueError, match='negative'):
        covered_share(np.zeros((1, 3)), -np.ones(1), [0.5])
    with pytest.raises(ValueError, match='do not fit'):
        covered_share(np.zeros((2, 3)), np.ones(3), [0.5])
    with pytest.raises(ValueError, match='2 levels'):
        expected_calibration_error((0.5, 0.9), np.zeros(3))


def test_share_of_nearer_samples_by_hand():
    # Median 2; distances 2, 1, 0, 1, 6. The truth at 3.5 is 1.5 away.
    samples = np.array([0., 1, 2, 3, 8])[:, None]
    assert samples_nearer(samples, np.array([3.5])) == 3 / 5
    # The median of each coordinate, not a sample: (1, 1).
    flat = np.array([[0., 0], [1, 4], [5, 1]])
    assert samples_nearer(flat, np.array([1., 2.5])) == 1 / 3


def test_cgnf_error_of_right_and_wrong_spreads():
    rng = np.random.default_rng(0)
    samples = rng.normal(size=(4000, 200, 3))
    truth = rng.normal(size=(4000, 3))
    shares = np.stack([samples_nearer(samples, truth)] * 3, 1)
    assert cgnf_calibration_error(shares) < .015
    # Of points: the truth is never nearer than any sample. Held 0 below
    # level 1 and 1 there: the error is the mean of 0, .05, ..., .95, 0.
    points = samples_nearer(1e-6 * samples, truth)[:, None]
    assert cgnf_calibration_error(points) == pytest.approx(9.5 / 21)
    # Twice too wide: chi(3) at 2r in place of r.
    wide = samples_nearer(2 * samples, truth)[:, None]
    levels = np.arange(21) / 20
    radius = np.sqrt(chi2.ppf(levels, 3))
    expected = np.abs(chi2.cdf((2 * radius)**2, 3) - levels)
    assert cgnf_calibration_error(wide) == pytest.approx(
        expected[:-1].sum() / 21, abs=.015)


def test_cgnf_error_takes_the_median_joint_and_skips_unknown_ones():
    right = np.arange(1000) / 1000
    shares = np.stack([right, right, np.ones(1000)], 1)
    assert cgnf_calibration_error(shares) < .002
    shares[::2, 1] = np.nan
    assert cgnf_calibration_error(shares) < .003
