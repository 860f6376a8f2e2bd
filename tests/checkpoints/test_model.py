# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Models from configs and checkpoints."""

import pytest
import torch
from mmengine.config import Config

from mmdiffpose.apis import init_model


def test_weights_meta_and_mode(diffusion_config, tmp_path):
    model = init_model(diffusion_config)
    meta = dict(dataset_meta=dict(dataset_name='h36m', mark=1))
    path = tmp_path / 'a.pth'
    torch.save(dict(state_dict=model.state_dict(), meta=meta), path)
    config = tmp_path / 'config.py'
    diffusion_config.dump(config)
    loaded = init_model(config, path)
    assert not loaded.training
    assert loaded.dataset_meta['mark'] == 1
    assert loaded.cfg.test_dataloader.dataset.seq_len == 9
    for key, value in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[key], value), key


def test_meta_of_the_config_stands_in(regression_config):
    model = init_model(regression_config)
    assert model.dataset_meta['dataset_name'] == 'h36m'
    assert len(model.dataset_meta['flip_indices']) == 17


def test_config_is_overridden_but_not_changed(regression_config):
    options = {'model.backbone.embed_dims': 32, 'model.head.in_channels': 32}
    model = init_model(regression_config, cfg_options=options)
    assert model.head.linear.in_features == 32
    assert regression_config.model.backbone.embed_dims == 16


def test_context_checkpoint_is_not_needed_any_more(diffusion_config):
    """The file of the first stage may be gone by then."""
    diffusion_config.model.context_checkpoint = '/nowhere/stage1.pth'
    init_model(diffusion_config)


def test_errors(regression_config, diffusion_config, tmp_path):
    with pytest.raises(FileNotFoundError, match='no config at'):
        init_model(tmp_path / 'nowhere.py')
    with pytest.raises(FileNotFoundError, match='expected a checkpoint'):
        init_model(regression_config, tmp_path / 'nowhere.pth')
    path = tmp_path / 'plain.pth'
    torch.save(init_model(regression_config).state_dict(), path)
    with pytest.raises(
            ValueError,
            match='plain.pth.*another architecture than Diffusion'
            'PoseLifter.*missing.*coarse_head'):
        init_model(diffusion_config, path)
    with pytest.raises(ValueError, match="expected a key 'model'"):
        init_model(Config(dict(default_scope='mmpose')))
