# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Windows: coverage, weights, blending."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from mmdiffpose.lifting.windows import plan_windows, window_weights

CLIPS = st.tuples(st.integers(1, 90), st.integers(
    1, 30)).flatmap(lambda fl: st.tuples(
        st.just(fl[0]), st.just(fl[1]), st.integers(0, fl[1] - 1)))


@settings(deadline=None, max_examples=100)
@given(CLIPS)
def test_plan_covers_the_clip(clip):
    num_frames, length, overlap = clip
    plan = plan_windows(num_frames, length, overlap)
    assert plan.frames.shape == plan.weights.shape == plan.valid.shape
    # Every frame is in a window, and its weights sum to one.
    total = np.zeros(num_frames)
    np.add.at(total, plan.frames, plan.weights)
    np.testing.assert_allclose(total, 1)
    assert (plan.weights[~plan.valid] == 0).all()
    # Only a clip shorter than a window is padded.
    assert plan.valid.all() == (num_frames >= length)
    if num_frames > length:
        steps = np.diff(plan.starts)
        assert plan.starts[0] == 0
        assert plan.starts[-1] == num_frames - length
        assert (steps >= 1).all() and (steps <= length - overlap).all()
    else:
        assert len(plan.starts) == 1


def join(joined, windows):
    for window in windows:
        joined.add(window)
    return joined.per_frame()


@settings(deadline=None, max_examples=50)
@given(CLIPS)
def test_what_depends_on_the_frame_alone_survives(clip):
    """Blending or picking values of an exact model gives them back."""
    plan = plan_windows(*clip)
    truth = np.random.default_rng(0).normal(size=(clip[0], 2, 3))
    windows = truth[plan.frames]
    np.testing.assert_allclose(
        join(plan.blending(), windows), truth, atol=1e-12)
    np.testing.assert_array_equal(join(plan.picking(), windows), truth)


def test_blend_is_smooth_over_seams():
    """A model that sees the position in the window leaves no steps.

    Each window answers with its own number, so the blend goes from one to the
    next; a hard switch would jump by 1.
    """
    plan = plan_windows(83, 27, 13)
    answers = np.broadcast_to(
        np.arange(len(plan.starts), dtype=float)[:, None], plan.weights.shape)
    blended = join(plan.blending(), answers)
    assert blended[0] == 0
    assert blended[-1] == pytest.approx(len(plan.starts) - 1)
    assert (np.diff(blended) > -1e-9).all()
    assert np.abs(np.diff(blended)).max() < 0.15


def test_pick_takes_the_most_central_window():
    plan = plan_windows(40, 10, 5)
    own = np.broadcast_to(
        np.arange(len(plan.starts))[:, None], plan.weights.shape)
    middle = plan.starts + 4.5
    picked = join(plan.picking(), own)
    distance = np.abs(np.arange(40)[:, None] - middle)
    np.testing.assert_array_equal(distance[np.arange(40), picked],
                                  distance.min(1))


def test_short_clip_stands_in_the_middle():
    plan = plan_windows(3, 8, 0)
    assert plan.frames.tolist() == [[0, 0, 0, 1, 2, 2, 2, 2]]
    assert plan.valid.tolist() == [[0, 0, 1, 1, 1, 0, 0, 0]]


def test_one_frame_windows():
    plan = plan_windows(5, 1, 0)
    assert plan.frames.tolist() == [[0], [1], [2], [3], [4]]
    assert (plan.weights == 1).all()
    assert window_weights(1) == [1]


@pytest.mark.parametrize('args', [(0, 5, 0), (5, 0, 0), (9, 3, 3), (9, 3, -1)])
def test_bad_plans_are_refused(args):
    with pytest.raises(ValueError):
        plan_windows(*args)
