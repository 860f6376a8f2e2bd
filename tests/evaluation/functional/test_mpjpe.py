# Copyright (c) mmdiffpose contributors. All rights reserved.
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmdiffpose.evaluation.functional import (centre_on_root, masked_mean,
                                              mpjpe, n_mpjpe, p_mpjpe)

seeds = st.integers(0, 2**32 - 1)
laws = settings(deadline=None, max_examples=30)


def random_poses(seed, shape=(7, 17, 3)):
    return np.random.default_rng(seed).normal(size=shape)


def random_rotation(generator):
    rotation, _ = np.linalg.qr(generator.normal(size=(3, 3)))
    return rotation * np.sign(np.linalg.det(rotation))


def test_mpjpe_by_hand():
    gt = np.zeros((2, 3, 3))
    pred = gt.copy()
    pred[0, 1] = (3, 4, 0)
    pred[1, :] = (0, 0, 2)
    np.testing.assert_allclose(mpjpe(pred, gt), [5 / 3, 2])


def test_mask_leaves_joints_out():
    gt = np.zeros((2, 3, 3))
    pred = gt.copy()
    pred[:, 1] = (3, 4, 0)
    pred[0, 2] = np.nan
    mask = np.array([[True, True, False], [False, False, False]])
    np.testing.assert_allclose(mpjpe(pred, gt, mask), [2.5, np.nan])
    np.testing.assert_allclose(
        masked_mean(np.array([[1., 2.], [3., 4.]]), mask[:, :2]),
        [1.5, np.nan])


def test_centre_on_root_subtracts_the_pose_own_root_without_aliasing():
    poses = random_poses(0)
    before = poses.copy()
    centred = centre_on_root(poses, 3)
    np.testing.assert_array_equal(poses, before)
    np.testing.assert_array_equal(centred[:, 3], 0)
    np.testing.assert_allclose(centred[:, 5], before[:, 5] - before[:, 3])
    with pytest.raises(ValueError, match='root_index 17'):
        centre_on_root(poses, 17)


@laws
@given(seed=seeds, scale=st.floats(0.01, 100))
def test_p_mpjpe_is_invariant_under_similarity(seed, scale):
    generator = np.random.default_rng(seed)
    pred, gt = generator.normal(size=(2, 5, 17, 3))
    moved = scale * pred @ random_rotation(generator).T + generator.normal(
        size=3)
    np.testing.assert_allclose(p_mpjpe(moved, gt), p_mpjpe(pred, gt))
    assert np.all(p_mpjpe(pred, gt) > 0.1)


@laws
@given(seed=seeds)
def test_p_mpjpe_does_not_undo_a_reflection(seed):
    gt = random_poses(seed)
    mirrored = gt * [-1, 1, 1]
    assert np.all(p_mpjpe(mirrored, gt) > 0.05)
    np.testing.assert_allclose(p_mpjpe(-mirrored, -gt), p_mpjpe(mirrored, gt))


def test_p_mpjpe_of_a_planar_mirror_image_is_zero():
    # In a plane a half turn does what a mirror does.
    gt = random_poses(1) * [1, 1, 0]
    np.testing.assert_allclose(p_mpjpe(gt * [-1, 1, 1], gt), 0, atol=1e-12)


@laws
@given(seed=seeds, scale=st.floats(0.01, 100), negative=st.booleans())
def test_n_mpjpe_is_invariant_under_scale_only(seed, scale, negative):
    generator = np.random.default_rng(seed)
    pred, gt = generator.normal(size=(2, 5, 17, 3))
    scale = -scale if negative else scale
    np.testing.assert_allclose(n_mpjpe(scale * pred, gt), n_mpjpe(pred, gt))
    turned = gt @ random_rotation(generator).T
    assert np.all(n_mpjpe(3 * gt, gt) < 1e-12)
    assert np.all(n_mpjpe(turned, gt) > 1e-3)


def test_alignments_help_in_the_squared_sense():
    # Each family of transforms holds the one before, so squares must fall.
    pred, gt = random_poses(2), random_poses(3)
    pred, gt = pred - pred.mean(
        1, keepdims=True), gt - gt.mean(
            1, keepdims=True)
    pred = gt + 0.3 * pred
    assert p_mpjpe(pred, gt).mean() < n_mpjpe(pred, gt).mean()
    assert n_mpjpe(pred, gt).mean() < mpjpe(pred, gt).mean()


def test_same_values_as_mmpose():
    pytest.importorskip('mmpose')
    from mmpose.evaluation.functional import keypoint_mpjpe
    pred, gt = random_poses(4, (2, 40, 17, 3))
    pred[:20] *= [-1, 1, 1]
    everything = np.ones(gt.shape[:-1], bool)
    some = np.random.default_rng(5).random(gt.shape[:-1]) < 0.7
    for name, function in (('none', mpjpe), ('scale', n_mpjpe), ('procrustes',
                                                                 p_mpjpe)):
        assert function(pred, gt).mean() == pytest.approx(
            keypoint_mpjpe(pred, gt, everything, name), rel=1e-12)
    theirs = keypoint_mpjpe(pred, gt, some, 'none')
    ours = mpjpe(pred, gt, some)
    assert np.average(
        ours, weights=some.sum(1)) == pytest.approx(
            theirs, rel=1e-12)


@pytest.mark.parametrize('function', [mpjpe, p_mpjpe, n_mpjpe])
def test_wrong_shapes(function):
    with pytest.raises(ValueError, match='they must agree'):
        function(np.zeros((4, 17, 3)), np.zeros((4, 16, 3)))
    with pytest.raises(ValueError, match=r'\(\.\.\., J, 3\)'):
        function(np.zeros((4, 17, 2)), np.zeros((4, 17, 2)))
    with pytest.raises(ValueError, match='mask'):
        function(
            np.zeros((4, 17, 3)), np.zeros((4, 17, 3)), np.ones((4, 16), bool))
