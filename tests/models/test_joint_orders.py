# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Joints in another order, under other names: the same poses."""
import numpy as np
import pytest
import torch
from head_cases import CASES, config_of, make, predict
from lifter_factory import batch, build
from mmengine.config import Config
from other_orders import (FLIP_INDICES, NAMES, ORDER, ROOT, metainfo,
                          reordered_samples, taken)

from mmdiffpose.checkpoints.config_skeleton import restate_skeleton
from mmdiffpose.checkpoints.joint_transfer import joint_axes, reorder_weights
from mmdiffpose.skeletons import skeleton_from_metainfo

JOINT_AXIS = dict(
    keypoints=1,
    keypoint_scores=1,
    keypoint_std=1,
    keypoint_std_xyz=1,
    coarse_keypoints=1,
    hypotheses=2)


def other_model(config, model, skeleton):
    """The same weights in a model of the other joints."""
    config = Config(dict(model=config))
    restate_skeleton(config, skeleton)
    other = build(config.model)
    axes = joint_axes(config.model, skeleton)
    other.load_state_dict(reorder_weights(model.state_dict(), axes, ORDER))
    return other.eval()


@pytest.mark.parametrize('case', CASES)
def test_a_head_gives_the_same_poses_and_learns_the_same(case):
    """With flips and without; noise belongs to a joint, not to its place."""
    skeleton = skeleton_from_metainfo(metainfo())
    model = make(case)
    other = other_model(config_of(case), model, skeleton)
    other.test_cfg = model.test_cfg
    assert other.head.flip_indices == tuple(FLIP_INDICES)
    assert other.head.root_index == ROOT
    inputs, samples = batch(range(2))
    others = taken(inputs), reordered_samples(samples)
    for flip_test in (False, True):
        expected = predict(model, inputs, samples, flip_test=flip_test)
        found = predict(other, *others, flip_test=flip_test)
        for right, got in zip(expected, found):
            assert set(right.keys()) == set(got.keys())
            for name in set(JOINT_AXIS) & set(right.keys()):
                np.testing.assert_allclose(
                    got[name],
                    taken(right[name], axis=JOINT_AXIS[name]),
                    rtol=2e-3,
                    atol=2e-5,
                    err_msg=name)
    # Of PSTMO, which has two maps in training; its layers are left alone.
    model.backbone.training = other.backbone.training = True
    losses = model.loss(inputs, samples)
    found = other.loss(*others)
    assert set(found) == set(losses)
    for name, value in losses.items():
        assert float(found[name]) == pytest.approx(float(value), rel=1e-3)


def test_what_a_mirror_exchanges_comes_from_the_samples():
    """A model without a graph, whose rows were permuted by hand."""
    model = make('LiftingRegressionHead')
    inputs, samples = batch(range(2))
    right = predict(model, inputs, samples, flip_test=True)
    backbone = model.backbone
    backbone.spatial_pos.data = taken(backbone.spatial_pos.data)
    model.head.root_index = ROOT
    got = predict(
        model, taken(inputs), reordered_samples(samples), flip_test=True)
    np.testing.assert_allclose(
        got[0].keypoints, taken(right[0].keypoints), atol=2e-5)


def test_a_graph_of_other_joints_is_refused():
    model = make('GraphRegressionHead')
    inputs, samples = batch(range(2))
    with pytest.raises(ValueError, match='flip_indices'):
        predict(
            model, taken(inputs), reordered_samples(samples), flip_test=True)


def test_a_head_of_unknown_joints_asks_for_left_and_right():
    from mmdiffpose.registry import MODELS
    head = MODELS.build(
        dict(
            type='mmdiffpose.LiftingRegressionHead',
            in_channels=4,
            num_joints=14,
            root_index=12))
    with pytest.raises(ValueError, match='left and right'):
        head.average_views(torch.zeros(1, 14, 3), torch.zeros(1, 14, 3))
    with pytest.raises(ValueError, match='num_joints is 16'):
        MODELS.build(
            dict(
                type='mmdiffpose.LiftingRegressionHead',
                in_channels=4,
                num_joints=16,
                skeleton='h36m'))
    assert len(NAMES) == 17
