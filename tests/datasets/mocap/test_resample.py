# Copyright (c) mmdiffpose contributors. All rights reserved.
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmdiffpose.datasets.mocap.resample import resample


@settings(deadline=None, max_examples=40)
@given(
    frames=st.integers(4, 60),
    source=st.sampled_from([30., 50., 60., 100., 120., 1 / .0083333]),
    target=st.sampled_from([25., 50., 100.]))
def test_cubic_motion_is_followed_exactly(frames, source, target):
    rng = np.random.default_rng(frames)
    coefficients = rng.normal(size=(4, 1, 2, 3))

    def motion(seconds):
        powers = np.stack([seconds**k for k in range(4)])
        return (coefficients * powers[:, :, None, None]).sum(0)

    result = resample(motion(np.arange(frames) / source), source, target)
    seconds = np.arange(len(result)) / target
    np.testing.assert_allclose(result, motion(seconds), rtol=0, atol=1e-9)
    duration = (frames - 1) / source
    assert seconds[-1] <= duration + 1e-5
    assert duration - seconds[-1] < 1 / target


def test_same_rate_changes_nothing():
    motion = np.random.default_rng(0).normal(size=(7, 2, 3))
    np.testing.assert_array_equal(resample(motion, 50, 50), motion)


def test_one_frame_stays():
    assert resample(np.zeros((1, 17, 3)), 120, 50).shape == (1, 17, 3)


def test_bad_rates_and_empty_motions():
    with pytest.raises(ValueError, match='source_fps=0'):
        resample(np.zeros((3, 1, 3)), 0, 50)
    with pytest.raises(ValueError, match='no frame'):
        resample(np.zeros((0, 1, 3)), 120, 50)
