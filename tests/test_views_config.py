# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The preset of drawn views trains all its parts at once."""
from pathlib import Path

import torch
from mini_motions import write_mini_motions
from mmengine.config import Config
from mmengine.runner import Runner

from mmdiffpose.checkpoints.safe_classes import load_safely

CONFIG = Path(__file__).parents[1] / 'configs' / 'residual_frames_views-27.py'


def test_encoder_regressions_and_denoiser_learn(tmp_path, monkeypatch):
    # Formatting the configs that runs save takes longer than the runs.
    monkeypatch.setattr('mmengine.config.config.FormatCode', lambda text, **_:
                        (text, True))
    motions = write_mini_motions(tmp_path / 'motions.npz')
    config = Config.fromfile(CONFIG)
    options = {
        'train_cfg.max_epochs': 1,
        'train_cfg.val_interval': 1,
        'train_dataloader.dataset.law': dict(),
        'train_dataloader.dataset.windows': 12,
        'val_dataloader.dataset.windows': 2,
        'train_dataloader.batch_size': 4,
        'val_dataloader.batch_size': 2,
        # No test files of HDM05 here.
        'test_dataloader': None,
        'test_cfg': None,
        'test_evaluator': None,
    }
    for loader in ('train', 'val'):
        options.update({
            f'{loader}_dataloader.dataset.ann_file': motions,
            f'{loader}_dataloader.dataset.subjects': ['mini/S1'],
            f'{loader}_dataloader.num_workers': 0,
            f'{loader}_dataloader.persistent_workers': False,
        })
    config.merge_from_dict(options)
    config.train_dataloader.dataset.law = {}
    config.work_dir = str(tmp_path)
    config.experiment_name = f'views-{tmp_path.name}'
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
