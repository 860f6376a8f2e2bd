# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The presets of drawn views build and train, and load each other's
encoders."""
import pytest
import torch
from mini_motions import write_mini_motions
from mmengine.config import Config
from mmengine.runner import Runner
from safetensors.torch import save_file
from small_views import CONFIGS, small_views_config

from mmdiffpose.registry import MODELS

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


def write_encoder(name, path):
    """An untrained one's weights, as the zoo stores them."""
    model = MODELS.build(Config.fromfile(CONFIGS / f'{name}.py').model)
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, path)
    return model


@pytest.mark.usefixtures('plain_dumps')
@pytest.mark.parametrize('name,encoder', NAMES.items())
def test_it_trains(name, encoder, motions, tmp_path):
    config = small_views_config(name, motions, tmp_path)
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
