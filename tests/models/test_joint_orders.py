# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Joints in another order, under other names: the same poses."""
import numpy as np
import pytest
import test_denoiser_contract
import torch
from head_cases import CASES, config_of, make, predict
from lifter_factory import WIDTH, T, batch, build, encoder_config
from mmengine.config import Config
from other_orders import (FLIP_INDICES, NAMES, ORDER, ROOT, metainfo,
                          reordered_samples, taken)

from mmdiffpose.checkpoints.config_skeleton import restate_skeleton
from mmdiffpose.checkpoints.joint_transfer import joint_axes, reorder_weights
from mmdiffpose.registry import MODELS
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


ENCODERS = dict(
    FrameTransformer=dict(
        seq_len=T, in_channels=2, embed_dims=WIDTH, depth=1, num_heads=2),
    GraFormer=dict(embed_dims=WIDTH, num_layers=1),
    IdentityContext=dict(),
    MixSTE=dict(encoder_config()),
    PSTMO=CASES['ManyToOneRegressionHead']['encoder'])
DENOISERS = dict(
    test_denoiser_contract.CASES,
    ResidualMLP=dict(width=16, context_channels=WIDTH))
MIRRORED = dict(MixSTEDenoiser=dict(mirror_average=True))
"""Options that know left and right."""


def network_pair(name, options):
    """A network of Human3.6M's joints, and one of the others', with the same
    weights; random where training starts from none."""
    skeleton = skeleton_from_metainfo(metainfo())
    config = dict(options, type=f'mmdiffpose.{name}')
    torch.manual_seed(0)
    network = build(dict(config))
    for value in network.parameters():
        if value.detach().unique().numel() == 1:
            value.data.uniform_(.3, .9)
    return network.eval(), other_model(config, network, skeleton)


def registered(room):
    return {
        name
        for name, kind in MODELS.module_dict.items()
        if kind.__module__.startswith(f'mmdiffpose.models.{room}.')
    }


def test_every_network_is_tested():
    assert registered('encoders') == set(ENCODERS)
    assert registered('denoisers') == set(DENOISERS)


@pytest.mark.parametrize('name', ENCODERS)
def test_an_encoder_gives_the_same_features(name):
    network, other = network_pair(name, ENCODERS[name])
    points = batch(range(2))[0]
    for right, got in zip(network(points), other(taken(points))):
        assert right.isfinite().all()
        torch.testing.assert_close(got, taken(right), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize('name', DENOISERS)
def test_a_denoiser_gives_the_same_poses(name):
    network, other = network_pair(name, {
        **DENOISERS[name],
        **MIRRORED.get(name, {})
    })
    g = torch.Generator().manual_seed(2)
    x = torch.randn(2, T, 17, getattr(network, 'in_channels', 3), generator=g)
    width = getattr(network, 'context_channels', WIDTH)
    context = torch.randn(2, T, 17, width, generator=g)
    k = torch.tensor([3, 40])
    noisy = torch.stack([x, -x], 1)
    if name == 'ResidualMLP':  # it takes angles
        angle = torch.rand(2, 2, T, generator=g)
        right = network(noisy, angle, context)
        got = other(taken(noisy), angle, taken(context))
    else:
        right = network.bind(context, 2)(noisy, k)
        got = other.bind(taken(context), 2)(taken(noisy), k)
    assert right.isfinite().all() and right.std() > 1e-3
    torch.testing.assert_close(got, taken(right), rtol=1e-3, atol=1e-4)


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
