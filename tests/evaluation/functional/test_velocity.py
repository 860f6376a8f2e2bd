# Copyright (c) mmdiffpose contributors. All rights reserved.
import numpy as np
import pytest

from mmdiffpose.evaluation.functional import (acceleration_error, consecutive,
                                              difference_errors, mpjve,
                                              smallest_step)


def test_by_hand():
    gt = np.zeros((4, 2, 3))
    pred = gt.copy()
    # Joint 0 stands off by a constant, joint 1 moves 0, 3, 6, 12 along x.
    pred[:, 0] = (5, 5, 5)
    pred[:, 1, 0] = (0, 3, 6, 12)
    assert mpjve(pred, gt) == pytest.approx((3 + 3 + 6) / 6)
    assert acceleration_error(pred, gt) == pytest.approx((0 + 3) / 4)


def test_against_the_definition():
    pred, gt = np.random.default_rng(0).normal(size=(2, 30, 17, 3))
    velocity = np.linalg.norm(
        np.diff(pred, axis=0) - np.diff(gt, axis=0), axis=-1)
    assert mpjve(pred, gt) == pytest.approx(velocity.mean())
    acceleration = np.linalg.norm(
        (pred[2:] - 2 * pred[1:-1] + pred[:-2]) -
        (gt[2:] - 2 * gt[1:-1] + gt[:-2]),
        axis=-1)
    assert acceleration_error(pred, gt) == pytest.approx(acceleration.mean())


def test_gaps_are_not_bridged():
    frame_ids = np.array([0, 1, 2, 10, 11])
    np.testing.assert_array_equal(
        consecutive(frame_ids, 1), [True, True, False, True])
    np.testing.assert_array_equal(
        consecutive(frame_ids, 2), [True, False, False])
    gt = np.zeros((5, 1, 3))
    pred = gt.copy()
    pred[3:] = 100
    assert mpjve(pred, gt, frame_ids) == 0
    assert mpjve(pred, gt) > 0
    np.testing.assert_array_equal(
        consecutive(np.array([0, 5, 10, 11]), 1, step=5), [True, True, False])
    assert smallest_step(np.array([0, 5, 10, 12])) == 2
    assert smallest_step(np.array([3])) == 0


def test_masked_joint_spoils_the_differences_it_enters():
    residual = np.zeros((4, 2, 3))
    residual[1, 0] = 9
    mask = np.ones((4, 2), bool)
    mask[1, 0] = False
    for order, expected in ((1, [False, False, True]), (2, [False, False])):
        errors, counted = difference_errors(
            residual, np.arange(4), order, mask=mask)
        np.testing.assert_array_equal(counted[:, 0], expected)
        assert counted[:, 1].all()
        assert errors[counted].sum() == 0


def test_too_short_is_nan():
    pose = np.zeros((1, 17, 3))
    assert np.isnan(mpjve(pose, pose))
    assert np.isnan(acceleration_error(pose, pose))
    assert np.isnan(acceleration_error(pose[[0, 0]], pose[[0, 0]]))
    errors, counted = difference_errors(
        pose, np.arange(1), 2, mask=np.ones((1, 17), bool))
    assert errors.shape == counted.shape == (0, 17)


def test_bad_input():
    poses = np.zeros((3, 17, 3))
    with pytest.raises(ValueError, match='ascend'):
        mpjve(poses, poses, np.array([0, 2, 1]))
    with pytest.raises(ValueError, match='frame_ids has the shape'):
        mpjve(poses, poses, np.arange(4))
    with pytest.raises(ValueError, match='One video'):
        mpjve(poses[None], poses[None])
