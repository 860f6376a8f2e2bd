# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The presets of drawn views build and train, and load each other's
encoders."""
from pathlib import Path

import pytest
import torch
from mini_motions import write_mini_motions
from mmengine.config import Config
from mmengine.runner import Runner
from safetensors.torch import save_file

from mmdiffpose.registry import MODELS

CONFIGS = Path(__file__).parents[1] / 'configs'

NAMES = {
    'mixste_views-27': None,
    'graformer_views-1': None,
    'diffhpe-2d_views-27': None,
    'diffhpe-2d-control_views-27': None,
    'diffpose_frames_views-27': 'residual_frames_views-27',
    'diffhpe-wrapper_frames_views-27': 'residual_frames_views-27',
    'diffpose_graformer_views-1': 'graformer_views-1',
}
"""And the config of the frozen encoder."""


@pytest.fixture(scope='module')
def motions(tmp_path_factory):
    return write_mini_motions(tmp_path_factory.mktemp('mini') / 'motions.npz')


def small(name, motions, work_dir):
    config = Config.fromfile(CONFIGS / f'{name}.py')
    options = {
        'train_cfg.max_epochs': 1,
        'train_cfg.val_interval': 1,
        'train_dataloader.dataset.windows': 8,
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
    config.experiment_name = f'{name}-{work_dir.name}'
    return config


def write_encoder(name, path):
    """An untrained one's weights, as the zoo stores them."""
    model = MODELS.build(Config.fromfile(CONFIGS / f'{name}.py').model)
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, path)
    return model


@pytest.mark.parametrize('name,encoder', NAMES.items())
def test_it_trains(name, encoder, motions, tmp_path, monkeypatch):
    # Formatting the configs that runs save takes longer than the runs.
    monkeypatch.setattr('mmengine.config.config.FormatCode', lambda text, **_:
                        (text, True))
    config = small(name, motions, tmp_path)
    if encoder is not None:
        path = tmp_path / 'encoder.safetensors'
        given = write_encoder(encoder, path).backbone.state_dict()
        config.model.context_checkpoint = str(path)
    runner = Runner.from_cfg(config)
    model = runner.model
    before = {n: p.clone() for n, p in model.named_parameters()}
    runner.train()
    for part, value in model.named_parameters():
        frozen = encoder is not None and not part.startswith('head.')
        assert value.requires_grad is not frozen
        # CSDI-GCN's non-local layers start closed, and open first.
        if 'non_local' not in part:
            assert torch.equal(value, before[part]) is frozen, part
        assert not frozen or value.grad is None, part
    if encoder is not None:
        for key, value in given.items():
            assert torch.equal(model.backbone.state_dict()[key], value), key
    error = runner.message_hub.get_scalar('val/MPJPE_mm').current()
    assert 0 < error < 1e4
