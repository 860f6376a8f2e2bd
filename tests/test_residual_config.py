# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The small preset of residual diffusion trains both stages and tests."""
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner

from mmdiffpose.checkpoints.safe_classes import load_safely

CONFIG = Path(__file__).parents[1] / 'configs' / 'residual_mixste_mini-27.py'


@pytest.mark.usefixtures('plain_dumps')
def test_both_stages_and_a_test_batch(tmp_path):
    config = Config.fromfile(CONFIG)
    options = {'train_cfg.max_epochs': 1, 'train_cfg.val_interval': 1}
    for loader, windows in (('train', 2), ('val', 1), ('test', 1)):
        options.update({
            f'{loader}_dataloader.dataset.indices': windows,
            f'{loader}_dataloader.batch_size': 2,
            f'{loader}_dataloader.num_workers': 0,
            f'{loader}_dataloader.persistent_workers': False,
        })
    config.merge_from_dict(options)
    config.train_cfg.context_options = options
    config.work_dir = str(tmp_path)
    config.experiment_name = f'residual-{tmp_path.name}'
    runner = Runner.from_cfg(config)
    runner.train()
    head = runner.model.head
    assert int(head.iteration) == int(head.diffusion.num_updates) == 1
    assert bool(head.std_calibration.fitted)
    for output in (head.refine.output, head.std.output,
                   head.diffusion.denoiser.output):
        assert output.weight.abs().max() > 0
    metrics = runner.test()
    assert 0 < metrics['MPJPE_mm'] < 1e4
    assert 0 < metrics['oracle/P-Best_mm'] < metrics['hypotheses/MPJPE_mm']
    saved = load_safely(tmp_path / 'context' / 'context.pth')['state_dict']
    for key, value in runner.model.backbone.state_dict().items():
        assert torch.equal(value, saved[f'backbone.{key}']), key
