# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The preset of drawn views trains all its parts at once."""
import pytest
import torch
from mini_motions import write_mini_motions
from mmengine.runner import Runner
from small_views import small_views_config

from mmdiffpose.checkpoints.safe_classes import load_safely


@pytest.mark.usefixtures('plain_dumps')
def test_encoder_regressions_and_denoiser_learn(tmp_path):
    motions = write_mini_motions(tmp_path / 'motions.npz')
    config = small_views_config(
        'residual_frames_views-27', motions, tmp_path, windows=12)
    runner = Runner.from_cfg(config)
    before = {
        name: value.clone()
        for name, value in runner.model.named_parameters()
    }
    runner.train()
    still = [
        name for name, value in runner.model.named_parameters()
        if torch.equal(value, before[name])
    ]
    assert not still
    assert int(runner.model.head.iteration) == 3
    saved = load_safely(next(tmp_path.glob('best_*.pth')))
    assert bool(saved['state_dict']['head.std_calibration.fitted'])
