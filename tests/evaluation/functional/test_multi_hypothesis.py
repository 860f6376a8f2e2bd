# Copyright (c) mmdiffpose contributors. All rights reserved.
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmdiffpose.evaluation.functional import (hypothesis_spread, joint_best,
                                              mean_of_first,
                                              mean_pairwise_distance,
                                              pose_best)

laws = settings(deadline=None, max_examples=40)


def test_by_hand():
    # One pose, two hypotheses, two joints.
    errors = np.array([[[10., 30.], [20., 24.]]])
    assert pose_best(errors)[0] == 20
    np.testing.assert_array_equal(joint_best(errors), [[10, 24]])
    np.testing.assert_array_equal(
        pose_best(errors, np.array([[True, False]])), [10])
    assert np.isnan(pose_best(errors, np.zeros((1, 2), bool))[0])


@laws
@given(
    seed=st.integers(0, 2**32 - 1),
    number=st.integers(1, 12),
    joints=st.integers(1, 17))
def test_order_of_the_oracles(seed, number, joints):
    generator = np.random.default_rng(seed)
    errors = generator.gamma(2, size=(4, number, joints))
    mask = generator.random((4, joints)) < 0.8
    mask[:, 0] = True
    best_joint = np.array(
        [row[m].mean() for row, m in zip(joint_best(errors), mask)])
    best_pose = pose_best(errors, mask)
    mean = np.array([row[:, m].mean() for row, m in zip(errors, mask)])
    assert np.all(best_joint <= best_pose + 1e-12)
    assert np.all(best_pose <= mean + 1e-12)
    for fewer in range(1, number):
        part, more = errors[:, :fewer], errors[:, :fewer + 1]
        assert np.all(joint_best(part) >= joint_best(more))
        assert np.all(pose_best(part, mask) >= pose_best(more, mask))


@pytest.mark.parametrize('number', [1, 2, 3, 6, 7])
def test_mean_pairwise_distance_by_definition(number):
    samples = np.random.default_rng(number).normal(size=(4, number, 3))
    distances = np.linalg.norm(samples[:, :, None] - samples[:, None], axis=-1)
    pairs = max(number * (number - 1), 1)
    np.testing.assert_allclose(
        mean_pairwise_distance(samples),
        distances.sum(axis=(1, 2)) / pairs)


def test_spread_per_joint():
    hypotheses = np.zeros((2, 3, 2, 3))
    hypotheses[:, 2, 1] = (0, 3, 4)
    # Two of three pairs lie 5 apart at joint 1.
    np.testing.assert_allclose(
        hypothesis_spread(hypotheses), [[0, 10 / 3]] * 2)


def test_mean_of_first():
    hypotheses = np.arange(24.).reshape(1, 4, 2, 3)
    np.testing.assert_array_equal(
        mean_of_first(hypotheses, 2), hypotheses[:, :2].mean(1))
    for number in (0, 5):
        with pytest.raises(ValueError, match='there are 4'):
            mean_of_first(hypotheses, number)


def test_no_hypotheses():
    with pytest.raises(ValueError, match='N >= 1'):
        pose_best(np.zeros((4, 0, 17)))
    with pytest.raises(ValueError, match='N >= 1'):
        mean_pairwise_distance(np.zeros((4, 0, 3)))
