# Copyright (c) mmdiffpose contributors. All rights reserved.
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmdiffpose.evaluation.functional import (AUC_THRESHOLDS_MM, auc,
                                              correct_joints_auc, pck)

laws = settings(deadline=None, max_examples=50)
errors_mm = st.lists(st.floats(0, 400), min_size=1, max_size=30).map(np.array)


def test_thresholds_are_0_to_150_in_steps_of_5():
    assert len(AUC_THRESHOLDS_MM) == 31
    assert AUC_THRESHOLDS_MM[0] == 0 and AUC_THRESHOLDS_MM[-1] == 150


def test_strictly_below():
    assert pck(np.array([0., 149.999, 150., 151.])) == 50
    # At an error of 5 the thresholds 10 .. 150 pass, 29 of 31.
    assert auc(np.array([5.])) == pytest.approx(100 * 29 / 31)
    assert auc(np.array([0.])) == pytest.approx(100 * 30 / 31)
    assert auc(np.array([150.])) == 0


@laws
@given(errors_mm, st.floats(0, 300), st.floats(0, 300))
def test_pck_is_monotone_in_its_threshold(errors, first, second):
    low, high = sorted((first, second))
    assert pck(errors, low) <= pck(errors, high)


@laws
@given(errors_mm)
def test_auc_is_the_mean_of_the_pcks(errors):
    expected = np.mean([pck(errors, t) for t in AUC_THRESHOLDS_MM])
    assert auc(errors) == pytest.approx(expected)


def test_thresholds_must_ascend():
    for thresholds in ([], [5, 5], [5, 0], [[0, 5]]):
        with pytest.raises(ValueError, match='ascend'):
            correct_joints_auc(np.zeros(3), thresholds)
