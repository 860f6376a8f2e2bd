# Copyright (c) mmdiffpose contributors. All rights reserved.
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmdiffpose.evaluation.functional import (SPARSIFICATION_FRACTIONS,
                                              area_under_sparsification_error,
                                              sparsification_curve)

laws = settings(deadline=None, max_examples=40)


def test_by_hand():
    errors = np.array([1., 2., 3., 10.])
    uncertainty = np.array([3., 1., 2., 4.])
    fractions = (0, 0.25, 0.5, 0.75)
    curve = sparsification_curve(errors, uncertainty, fractions)
    np.testing.assert_allclose(curve, [4, 2, 2.5, 2])
    oracle = sparsification_curve(errors, errors, fractions)
    np.testing.assert_allclose(oracle, [4, 2, 1.5, 1])
    # Trapezoids of the excess 0, 0, 1, 1 over a range of 0.75.
    assert area_under_sparsification_error(
        fractions, curve, oracle) == pytest.approx(0.375 / 0.75)


@laws
@given(seed=st.integers(0, 2**32 - 1), number=st.integers(1, 60))
def test_nothing_sparsifies_better_than_the_errors(seed, number):
    generator = np.random.default_rng(seed)
    errors = generator.gamma(2, size=number)
    uncertainty = generator.integers(0, 5, number).astype(float)
    curve = sparsification_curve(errors, uncertainty)
    oracle = sparsification_curve(errors, errors)
    assert np.all(curve >= oracle - 1e-12)
    assert np.all(np.diff(oracle) <= 1e-12)
    assert area_under_sparsification_error(SPARSIFICATION_FRACTIONS, curve,
                                           oracle) >= -1e-12
    np.testing.assert_allclose(
        sparsification_curve(errors, 3 * errors + 1), oracle)


def test_constant_uncertainty_tells_nothing_whatever_the_order():
    errors = np.arange(100.)
    for ordered in (errors, errors[::-1]):
        curve = sparsification_curve(ordered, np.ones(100))
        np.testing.assert_allclose(curve, errors.mean())


def test_bad_input():
    with pytest.raises(ValueError, match='two vectors'):
        sparsification_curve(np.zeros(3), np.zeros(4))
    with pytest.raises(ValueError, match='two vectors'):
        sparsification_curve(np.zeros(0), np.zeros(0))
    with pytest.raises(ValueError, match='fractions'):
        sparsification_curve(np.zeros(3), np.zeros(3), [1.])
