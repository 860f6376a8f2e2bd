# Copyright (c) mmdiffpose contributors. All rights reserved.
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mmdiffpose.evaluation.functional import (align_scale, align_similarity,
                                              joint_errors)

laws = settings(deadline=None, max_examples=30)


@laws
@given(seed=st.integers(0, 2**32 - 1))
def test_alignment_cannot_be_improved_by_a_small_similarity(seed):
    """The closed form is a minimum of the squared error."""
    generator = np.random.default_rng(seed)
    pred, gt = generator.normal(size=(2, 17, 3))
    aligned = align_similarity(pred, gt)
    best = (joint_errors(aligned, gt)**2).sum()
    for _ in range(10):
        spin = generator.normal(size=(3, 3)) * 1e-3
        nearly, _ = np.linalg.qr(np.eye(3) + spin - spin.T)
        nearly *= np.sign(np.diag(nearly))
        moved = (1 + 1e-3 * generator.normal()) * aligned @ nearly
        moved += 1e-3 * generator.normal(size=3)
        assert (joint_errors(moved, gt)**2).sum() >= best


def test_alignment_keeps_handedness():
    generator = np.random.default_rng(0)
    gt = generator.normal(size=(50, 4, 3))
    mirrored = gt * [1, 1, -1]
    edges = align_similarity(mirrored, gt)[:, 1:] - align_similarity(
        mirrored, gt)[:, :1]
    before = mirrored[:, 1:] - mirrored[:, :1]
    np.testing.assert_array_equal(
        np.sign(np.linalg.det(edges)), np.sign(np.linalg.det(before)))


def test_batch_equals_one_by_one():
    generator = np.random.default_rng(1)
    pred, gt = generator.normal(size=(2, 3, 4, 17, 3))
    mask = generator.random((3, 4, 17)) < 0.8
    for align in (align_similarity, align_scale):
        whole = align(pred, gt, mask)
        for i in range(3):
            for j in range(4):
                np.testing.assert_allclose(
                    whole[i, j], align(pred[i, j], gt[i, j], mask[i, j]))


def test_masked_joints_do_not_steer_the_alignment():
    generator = np.random.default_rng(2)
    gt = generator.normal(size=(5, 17, 3))
    pred = 2 * gt[..., [1, 2, 0]] + 1
    mask = np.ones((5, 17), bool)
    mask[:, 3] = False
    pred[:, 3] = 1e3
    gt[:, 3] = np.nan
    np.testing.assert_allclose(
        align_similarity(pred, gt, mask)[mask], gt[mask], atol=1e-12)
    assert np.isfinite(align_scale(pred, gt, mask)).all()


def test_collapsed_poses_stay_finite():
    gt = np.random.default_rng(3).normal(size=(17, 3))
    point = np.ones((17, 3))
    np.testing.assert_allclose(
        align_similarity(point, gt), np.tile(gt.mean(0), (17, 1)))
    np.testing.assert_array_equal(align_scale(0 * point, gt), 0)
    assert align_similarity(gt[None][:0], gt[None][:0]).shape == (0, 17, 3)
