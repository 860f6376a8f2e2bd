# Copyright (c) mmdiffpose contributors. All rights reserved.
import os
import types

import numpy as np
import pytest
import torch
from mmengine.fileio import get_file_backend
from mmengine.runner.checkpoint import save_checkpoint
from mmengine.structures import InstanceData

from mmdiffpose.engine import AtomicLocalBackend, ResidualStatistics
from mmdiffpose.engine.residual_calibration_hook import MIN_STD


def window(seed, valid, shift=0.):
    rng = np.random.default_rng(seed)
    target = rng.normal(size=(len(valid), 17, 3)) + [0, 0, 5]
    noise = rng.normal(size=target.shape) * 0.1
    noise[:, 0] = 0
    return types.SimpleNamespace(
        gt_instances=InstanceData(
            lifting_target=target, valid_frames=np.array(valid)),
        pred_instances=InstanceData(keypoints=target - target[:, :1] + noise +
                                    shift)), noise


def test_residual_statistics_count_valid_frames_root_relative():
    statistics = ResidualStatistics()
    kept = []
    for seed in range(3):
        valid = [True, True, False, True]
        # A common shift of all joints is no residual.
        sample, noise = window(seed, valid, shift=0.7)
        statistics.update([sample], 'keypoints')
        kept.append(noise[valid])
    expected = np.sqrt((np.concatenate(kept)**2).mean(0))
    std = statistics.std().numpy()
    np.testing.assert_allclose(std[1:], expected[1:], rtol=1e-5)
    np.testing.assert_allclose(std[0], MIN_STD, rtol=1e-5)


def test_no_valid_frame_is_an_error():
    with pytest.raises(ValueError, match='validation split'):
        ResidualStatistics().std()


def test_a_broken_write_keeps_the_old_checkpoint(tmp_path, monkeypatch):
    path = tmp_path / 'epoch_1.pth'
    save_checkpoint(
        dict(state_dict=dict(w=torch.ones(3))),
        str(path),
        backend_args=dict(backend='atomic'))
    before = path.read_bytes()

    def power_cut(descriptor):
        raise OSError('no space left on device')

    monkeypatch.setattr(os, 'fsync', power_cut)
    with pytest.raises(OSError, match='no space'):
        save_checkpoint(
            dict(state_dict=dict(w=torch.zeros(300))),
            str(path),
            backend_args=dict(backend='atomic'))
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ['epoch_1.pth']


def test_the_backend_is_registered_and_writes_ordinary_files(tmp_path):
    backend = get_file_backend(backend_args=dict(backend='atomic'))
    assert isinstance(backend, AtomicLocalBackend)
    path = tmp_path / 'new' / 'file.bin'
    backend.put(b'abc', path)
    assert path.read_bytes() == b'abc'
    umask = os.umask(0)
    os.umask(umask)
    assert path.stat().st_mode & 0o777 == 0o666 & ~umask
