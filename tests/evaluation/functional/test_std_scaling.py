# Copyright (c) mmdiffpose contributors. All rights reserved.
import numpy as np
import pytest

from mmdiffpose.evaluation.functional import (covered_share,
                                              expected_calibration_error,
                                              fit_std_scaling)
from mmdiffpose.evaluation.functional.coverage import CALIBRATION_LEVELS


def draws(scale, floor, frames=6000, joints=3, tail=None, seed=0):
    """Spread, residuals with that scaling, and a mask."""
    rng = np.random.default_rng(seed)
    spread = rng.gamma(3, 0.01, size=(frames, joints))
    std = np.hypot(np.multiply(scale, spread), floor)
    shape = spread.shape + (3, )
    noise = (
        rng.normal(
            size=shape) if tail is None else rng.standard_t(tail, size=shape))
    return spread, std[..., None] * noise, np.ones(spread.shape, bool)


def test_finds_the_parameters_of_each_joint():
    scale, floor = np.array([2., 0., 1.5]), np.array([0.02, 0.03, 0.])
    fit = fit_std_scaling(*draws(scale, floor, frames=20000))
    np.testing.assert_allclose(fit.scale, scale, atol=0.12)
    np.testing.assert_allclose(fit.floor, floor, atol=2e-3)
    spread, residual, _ = draws(scale, floor, seed=1)
    coverage = covered_share(residual, fit(spread), CALIBRATION_LEVELS).mean(
        (0, 1))
    assert expected_calibration_error(CALIBRATION_LEVELS, coverage) < 0.01


@pytest.mark.parametrize('level', [0.5, 0.9])
@pytest.mark.parametrize('tail', [None, 3])
def test_new_residuals_are_covered_at_the_level(level, tail):
    """Whatever their distribution; not so of the spread itself."""
    fit = fit_std_scaling(*draws(3., 0.02, tail=tail), level=level)
    spread, residual, _ = draws(3., 0.02, tail=tail, seed=1)
    assert covered_share(residual, fit(spread),
                         [level]).mean() == pytest.approx(
                             level, abs=0.01)
    assert covered_share(residual, spread, [0.9]).mean() < 0.6


def test_few_residuals_widen_the_interval():
    """At least as many as the level asks for, in expectation."""
    covered = []
    for seed in range(200):
        spread, residual, mask = draws(2., 0.01, 10, 1, tail=4, seed=seed)
        fit = fit_std_scaling(spread[:9], residual[:9], mask[:9])
        covered.append(
            covered_share(residual[9:], fit(spread[9:]), [0.9]).mean())
    assert 0.86 < np.mean(covered) < 0.96


def test_masked_frames_do_not_count():
    spread, residual, mask = draws(2., 0.02)
    expected = fit_std_scaling(spread[1000:], residual[1000:], mask[1000:])
    mask[:1000] = False
    residual[:1000] = np.nan
    fit = fit_std_scaling(spread, residual, mask)
    np.testing.assert_allclose(fit.scale, expected.scale)
    np.testing.assert_allclose(fit.floor, expected.floor)


def test_the_root_stays_certain():
    spread, residual, mask = draws(2., 0.02)
    spread[:, 0] = residual[:, 0] = 0
    fit = fit_std_scaling(spread, residual, mask)
    assert fit.scale[0] == fit.floor[0] == 0
    assert (fit.scale[1:] > 1).all()


def test_a_joint_whose_hypotheses_agree_gets_a_floor():
    spread, residual, mask = draws(0., 0.03)
    spread[:, 1] = 0
    fit = fit_std_scaling(spread, residual, mask)
    assert fit.floor[1] == pytest.approx(0.03, rel=0.05)


def test_hypotheses_that_hardly_differ_are_not_blown_up():
    spread, residual, mask = draws(2., 0.02)
    fit = fit_std_scaling(spread / 1000, residual, mask)
    assert (fit.scale <= 11).all()
    np.testing.assert_allclose(
        covered_share(residual, fit(spread / 1000), [0.9]).mean(),
        0.9,
        atol=0.005)


def test_the_unit_scales_with_the_data():
    spread, residual, mask = draws(2., 0.02)
    fit = fit_std_scaling(spread, residual, mask)
    double = fit_std_scaling(2 * spread, 2 * residual, mask)
    np.testing.assert_allclose(double.scale, fit.scale, rtol=1e-4)
    np.testing.assert_allclose(double.floor, 2 * fit.floor, rtol=1e-4)


def test_bad_input_is_named():
    spread, residual, mask = draws(2., 0.02, frames=20)
    with pytest.raises(ValueError, match=r'\(F, J, 3\)'):
        fit_std_scaling(spread, residual[..., 0], mask)
    with pytest.raises(ValueError, match='do not differ'):
        fit_std_scaling(0 * spread, residual, mask)
    with pytest.raises(ValueError, match='NaN'):
        fit_std_scaling(spread, np.nan * residual, mask)
    with pytest.raises(ValueError, match=r'joints \[2\]'):
        fit_std_scaling(spread, residual, mask & [True, True, False])
    with pytest.raises(ValueError, match='Levels'):
        fit_std_scaling(spread, residual, mask, level=1.)
