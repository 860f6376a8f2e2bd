# Copyright (c) mmdiffpose contributors. All rights reserved.
import types

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.structures import InstanceData
from torch import nn

from mmdiffpose.checkpoints.safe_classes import load_safely
from mmdiffpose.engine import SpreadStatistics, StdCalibrationHook
from mmdiffpose.engine.std_calibration_hook import (META_KEY, calibrate_file,
                                                    check_split,
                                                    find_calibration)
from mmdiffpose.models.heads.parts.std_calibration import StdCalibration

SCALE, FLOOR = 3., 0.02


def window(seed, frames=50, hypotheses=8, scale=SCALE, floor=FLOOR):
    """Hypotheses whose mean is off by what their spread does not say."""
    rng = np.random.default_rng(seed)
    target = rng.normal(size=(frames, 17, 3)) + [0, 0, 5]
    spread = rng.gamma(3, 0.01, size=(frames, 1, 17, 1))
    draws = spread * rng.normal(size=(frames, hypotheses, 17, 3))
    draws -= draws.mean(1, keepdims=True)
    error = np.hypot(scale * spread[:, 0],
                     floor) * rng.normal(size=target.shape)
    error[:, 0] = 0
    draws[:, :, 0] = 0
    pose = target - target[:, :1] + error
    valid = np.ones(frames, bool)
    valid[::5] = False
    pose[~valid] += 100  # padding is never looked at
    return types.SimpleNamespace(
        gt_instances=InstanceData(
            lifting_target=target,
            lifting_target_visible=np.ones((frames, 17), np.float32),
            valid_frames=valid),
        pred_instances=InstanceData(
            keypoints=pose, hypotheses=pose[:, None] + draws))


class Model(nn.Module):
    """A head with a calibration, as the runner's model."""

    def __init__(self):
        super().__init__()
        self.head = nn.Module()
        self.head.std_calibration = StdCalibration(17)
        self.head.linear = nn.Linear(2, 2)
        self.test_cfg = dict(num_hypotheses=8)


def make_runner(tmp_path, **changes):
    val = dict(type='MocapMiniDataset', split='val', pipeline=[])
    cfg = Config(
        dict(
            val_dataloader=dict(dataset=val),
            test_dataloader=dict(dataset=dict(val, split='test'))))
    cfg.merge_from_dict(changes)
    return types.SimpleNamespace(
        model=Model(), cfg=cfg, epoch=3, work_dir=str(tmp_path))


def validate(hook, runner, samples):
    hook.before_val_epoch(runner)
    for sample in samples:
        hook.after_val_iter(runner, 0, None, [sample])
    hook.after_val_epoch(runner)


def test_statistics_count_valid_frames_and_visible_joints():
    statistics = SpreadStatistics()
    sample = window(0)
    sample.gt_instances.lifting_target_visible[:, 3] = 0
    statistics.update([sample])
    spread, residual, mask = statistics.gather()
    assert spread.shape == (40, 17) and residual.shape == (40, 17, 3)
    assert np.abs(residual).max() < 10
    assert not mask[:, 3].any() and mask[:, 4].all()
    hypotheses = sample.pred_instances.hypotheses[1]
    np.testing.assert_allclose(
        spread[0], np.sqrt(hypotheses.var(0, ddof=1).mean(-1)), rtol=1e-5)


def test_a_validation_epoch_calibrates_the_head(tmp_path):
    hook, runner = StdCalibrationHook(), make_runner(tmp_path)
    validate(hook, runner, [window(seed) for seed in range(20)])
    calibration = runner.model.head.std_calibration
    assert bool(calibration.fitted)
    np.testing.assert_allclose(calibration.scale[1:], SCALE, rtol=0.25)
    np.testing.assert_allclose(calibration.floor[1:], FLOOR, atol=0.015)
    record = hook.record
    assert record['num_poses'] == 800 and record['epoch'] == 3
    assert record['dataset'] == dict(type='MocapMiniDataset', split='val')
    assert record['test_cfg'] == dict(num_hypotheses=8)
    assert record['coverage_before'] < 0.6
    assert record['coverage_after'] == pytest.approx(0.9, abs=0.005)
    # Again, from raw hypotheses: a calibration is not calibrated.
    scale = calibration.scale.clone()
    validate(hook, runner, [window(seed) for seed in range(20)])
    torch.testing.assert_close(calibration.scale, scale)


def test_checkpoints_hold_the_calibration_and_where_it_is_from(tmp_path):
    hook, runner = StdCalibrationHook(), make_runner(tmp_path)
    stale = dict(
        state_dict=runner.model.state_dict(), meta=dict(epoch=3), optimizer=[])
    path = tmp_path / 'epoch_3.pth'
    torch.save(stale, path)
    (tmp_path / 'last_checkpoint').write_text(str(path))
    hook.before_save_checkpoint(runner, stale)
    assert META_KEY not in stale['meta']
    validate(hook, runner, [window(0)])
    hook.after_train(runner)
    saved = load_safely(path)
    assert bool(saved['state_dict']['head.std_calibration.fitted'])
    assert saved['meta'][META_KEY] == hook.record
    assert saved['meta']['epoch'] == 3 and saved['optimizer'] == []
    Model().load_state_dict(saved['state_dict'], strict=True)
    # What EMAHook saves in the model's place, and a run that goes on.
    other = dict(state_dict=Model().state_dict(), meta=dict())
    resumed = StdCalibrationHook()
    resumed.after_load_checkpoint(runner, saved)
    resumed.before_save_checkpoint(runner, other)
    assert other['meta'][META_KEY]['num_poses'] == 40
    assert bool(other['state_dict']['head.std_calibration.fitted'])


def test_a_later_epoch_without_validation_is_not_calibrated(tmp_path):
    hook, runner = StdCalibrationHook(), make_runner(tmp_path)
    path = tmp_path / 'epoch_4.pth'
    torch.save(dict(state_dict=runner.model.state_dict()), path)
    (tmp_path / 'last_checkpoint').write_text(str(path))
    validate(hook, runner, [window(0)])
    runner.epoch = 4
    before = path.read_bytes()
    hook.after_train(runner)
    assert path.read_bytes() == before


def test_one_hypothesis_fits_nothing(tmp_path):
    hook, runner = StdCalibrationHook(), make_runner(tmp_path)
    single = window(0)
    single.pred_instances.hypotheses = single.pred_instances.hypotheses[:, :1]
    validate(hook, runner, [single])
    assert hook.record is None
    assert not bool(runner.model.head.std_calibration.fitted)


def test_the_test_split_is_refused(tmp_path):
    runner = make_runner(tmp_path, **{'test_dataloader.dataset.split': 'val'})
    with pytest.raises(ValueError, match='same dataset'):
        StdCalibrationHook().before_val_epoch(runner)
    runner.cfg.val_dataloader = None
    with pytest.raises(ValueError, match='no val_dataloader'):
        check_split(runner.cfg)
    with pytest.raises(ValueError, match='level'):
        StdCalibrationHook(level=90)


def test_bare_weights_become_a_checkpoint(tmp_path):
    source, target = tmp_path / 'bare.pth', tmp_path / 'out.pth'
    torch.save(Model().state_dict(), source)
    calibration = StdCalibration(17)
    calibration.set(torch.ones(17), torch.rand(17))
    calibrate_file(str(source), str(target), calibration, dict(num_poses=7))
    saved = load_safely(target)
    assert saved['meta'] == {META_KEY: dict(num_poses=7)}
    torch.testing.assert_close(
        saved['state_dict']['head.std_calibration.floor'], calibration.floor)


def test_a_head_without_calibration_is_left_alone(tmp_path):
    hook, runner = StdCalibrationHook(), make_runner(tmp_path)
    del runner.model.head.std_calibration
    validate(hook, runner, [window(0)])
    checkpoint = dict(state_dict=runner.model.state_dict(), meta=dict())
    hook.before_save_checkpoint(runner, checkpoint)
    assert hook.record is None and not checkpoint['meta']
    with pytest.raises(ValueError, match='has no std_calibration'):
        find_calibration(runner.model)
