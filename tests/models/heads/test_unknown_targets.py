# Copyright (c) mmdiffpose contributors. All rights reserved.
"""No loss and no calibration depends on what stands for an unknown joint."""
import numpy as np
import pytest
import torch
from head_cases import CASES, make
from lifter_factory import T
from mmengine.dataset import Compose, pseudo_collate
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData

import mmdiffpose  # noqa: F401
from mmdiffpose.engine import ResidualStatistics, SpreadStatistics

UNKNOWN = [5, 12]
WEIGHTS = np.linspace(.5, 2, 17)


def window(seed, placeholder=None, seen_2d=True, weights=False):
    """A packed window; joints 5 and 12 unknown, the root in frame 1."""
    init_default_scope('mmpose')
    rng = np.random.default_rng(seed)
    sample = dict(
        keypoints=rng.uniform(200, 800, (T, 17, 2)),
        keypoints_visible=rng.uniform(0.3, 1, (T, 17)),
        lifting_target=rng.normal(0, 0.3, (T, 17, 3)) + [0, 0, 5],
        lifting_target_visible=np.ones((T, 17)),
        valid_frames=np.ones(T, bool),
        dataset_keypoint_weights=WEIGHTS,
        camera_param=dict(w=1000, h=1000),
        id=seed,
        clip='clip',
        camera='v0')
    if placeholder is not None:
        sample['lifting_target'][:, UNKNOWN] = placeholder
        sample['lifting_target_visible'][:, UNKNOWN] = 0
        sample['lifting_target'][1, 0] = placeholder
        sample['lifting_target_visible'][1, 0] = 0
    if not seen_2d:
        sample['keypoints'][:, UNKNOWN] = placeholder
        sample['keypoints_visible'][:, UNKNOWN] = 0
    pipeline = Compose([
        dict(
            type='GenerateTarget',
            encoder=dict(type='mmdiffpose.GMMDiffusionPose'),
            use_dataset_keypoint_weights=weights),
        dict(type='PackPoseInputs', meta_keys=('id', 'clip', 'camera'))
    ])
    return pipeline(sample)


def losses(case, **options):
    """Of two windows; the first as :func:`window`'s options say."""
    windows = window(0, **options), window(1)
    model = make(case).train()
    torch.manual_seed(0)  # of dropout
    packed = pseudo_collate(windows)
    out = model.loss(torch.stack(packed['inputs']), packed['data_samples'])
    return {name: value.item() for name, value in out.items()}


@pytest.mark.parametrize('case', CASES)
def test_placeholders_train_nothing(case):
    found = [
        losses(case, placeholder=value, seen_2d=False)
        for value in (1., -7., np.nan)
    ]
    assert found[0] == found[1] == found[2]
    known = losses(case)
    for name, value in found[0].items():
        assert np.isfinite(value)
        assert value != pytest.approx(known[name], rel=1e-6)


@pytest.mark.parametrize('case', CASES)
def test_joint_weights_of_the_data_set_weigh(case):
    plain = losses(case, weights=False)
    weighted = losses(case, weights=True)
    for name in plain:
        if 'loss' in name:
            assert plain[name] != pytest.approx(weighted[name], rel=1e-4)


def test_weights_are_the_data_sets_times_what_is_known():
    model = make('LiftingRegressionHead')
    packed = window(0, 1., weights=True)
    samples = [packed['data_samples']]
    target, weight = model.head.targets(samples, torch.zeros(1))
    expected = np.tile(WEIGHTS, (T, 1))
    expected[:, UNKNOWN] = 0
    expected[1] = 0  # no root
    np.testing.assert_allclose(weight[0], expected, rtol=1e-6)
    assert not target[0][weight[0] == 0].any()


def test_a_guess_stands_where_nothing_is_known():
    model = make('LiftingRegressionHead')
    samples = [window(0, 1.)['data_samples']]
    guess = torch.full((1, T, 17, 3), 9.)
    target, weight = model.head.targets(samples, guess, guess)
    assert (target[weight == 0] == 9).all()
    assert (target[weight > 0].abs() < 3).all()


def _predicted(placeholder):
    sample = window(0, placeholder)['data_samples']
    rng = np.random.default_rng(3)
    sample.pred_instances = InstanceData(
        keypoints=rng.normal(0, .1, (T, 17, 3)),
        hypotheses=rng.normal(0, .1, (T, 4, 17, 3)))
    return sample


def test_residuals_are_measured_where_they_are_known():
    found = []
    for placeholder in (1., -7.):
        statistics = ResidualStatistics()
        sample = _predicted(placeholder)
        statistics.update([sample], 'keypoints')
        found.append(statistics.std().numpy())
    np.testing.assert_array_equal(*found)
    pred, truth = (
        np.asarray(part) for part in (sample.pred_instances.keypoints,
                                      sample.gt_instances.lifting_target))
    frames = np.delete(np.arange(T), 1)
    error = (pred - pred[:, :1] - truth)[frames, 3]
    np.testing.assert_allclose(
        found[0][3], np.sqrt((error**2).mean(0)), rtol=1e-5)
    known = np.delete(found[0], UNKNOWN, axis=0)
    np.testing.assert_array_equal(found[0][5], known.max(axis=0))


def test_spreads_are_calibrated_where_they_are_known():
    statistics = SpreadStatistics()
    statistics.update([_predicted(-7.)])
    mask = statistics.gather()[2]
    assert not mask[1].any() and not mask[:, UNKNOWN].any()
    assert mask.sum() == (T - 1) * 15
