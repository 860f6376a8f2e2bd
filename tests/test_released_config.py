# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The released presets train both stages and test, on Human3.6M's format."""
from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.runner import Runner
from test_human36m_config import data_root  # noqa: F401

import mmdiffpose  # noqa: F401
from mmdiffpose.checkpoints.safe_classes import load_safely

CONFIGS = Path(__file__).parents[1] / 'configs'
SMALL = {
    'diffpose_mixste_h36m-243_released':
    dict(embed_dims=16, depth=1, num_heads=2),
    'diffpose_graformer_h36m-1_released':
    dict(embed_dims=16, num_layers=1, num_heads=2),
}


def options(root, encoder, stage):
    """A window or two of each split, and a small encoder."""
    small = {
        'train_cfg.max_epochs': 1,
        'train_cfg.val_interval': 1,
        'train_dataloader.batch_size': 2,
        'train_dataloader.dataset.indices': 2,
        'val_dataloader.dataset.indices': 1,
        'test_dataloader.dataset.indices': 1,
        **{
            f'model.backbone.{key}': value
            for key, value in encoder.items()
        },
        f'model.{"head" if stage == 1 else "coarse_head"}.in_channels': 16,
    }
    for loader in ('train', 'val', 'test'):
        small[f'{loader}_dataloader.dataset.data_root'] = str(root)
        small[f'{loader}_dataloader.num_workers'] = 0
        small[f'{loader}_dataloader.persistent_workers'] = False
    return small


@pytest.mark.parametrize('name', sorted(SMALL))
def test_both_stages_and_a_test_batch(name, data_root, tmp_path):  # noqa: F811
    config = Config.fromfile(CONFIGS / f'{name}.py')
    context = options(data_root, SMALL[name], stage=1)
    config.merge_from_dict(options(data_root, SMALL[name], stage=2))
    config.train_cfg.context_options = context
    config.work_dir = str(tmp_path)
    config.experiment_name = f'{name}-{tmp_path.name}'
    runner = Runner.from_cfg(config)
    runner.train()

    head = runner.model.head
    assert type(head).__name__ == 'ReleasedDiffPoseHead'
    assert sum(p.numel() for p in head.parameters()) == 1_025_674
    assert int(head.iteration) == 1
    assert bool(runner.model.context_loaded)
    last = load_safely((tmp_path / 'last_checkpoint').read_text())
    assert 'module.head.denoiser.input.linear.weight' in last['ema_state_dict']
    metrics = runner.test()
    assert 0 < metrics['MPJPE_mm'] < 5000
    assert 0 < metrics['context/MPJPE_mm'] < 5000
    assert metrics['MPJPE_mm'] != metrics['context/MPJPE_mm']
