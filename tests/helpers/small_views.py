# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Presets of drawn views, small enough to train in a test."""
from pathlib import Path

from mmengine.config import Config

CONFIGS = Path(__file__).parents[2] / 'configs'


def small_views_config(name, motions, work_dir, windows=8):
    """A preset's config: one epoch on somebody of mocap-mini.

    Args:
        name: Of the config.
        motions: File of ``mini_motions.write_mini_motions``.
        work_dir: Folder of the run.
        windows: Of the epoch, four a batch.
    """
    config = Config.fromfile(CONFIGS / f'{name}.py')
    options = {
        'train_cfg.max_epochs': 1,
        'train_cfg.val_interval': 1,
        'train_dataloader.dataset.windows': windows,
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
    config.work_dir = str(work_dir)
    config.experiment_name = f'{name}-{Path(work_dir).name}'
    return config
