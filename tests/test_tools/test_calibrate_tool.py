# Copyright (c) mmdiffpose contributors. All rights reserved.
from pathlib import Path

import calibrate
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope, init_default_scope

from mmdiffpose.checkpoints.safe_classes import load_safely
from mmdiffpose.registry import MODELS

ROOT = Path(__file__).parents[2]
CONFIG = str(ROOT / 'configs' / 'diffpose_mixste_mini-27.py')


@pytest.fixture
def checkpoint(tmp_path):
    """An untrained model, from before there was a calibration."""
    if DefaultScope.get_current_instance() is None:
        init_default_scope('mmpose')
    model = MODELS.build(Config.fromfile(CONFIG).model)
    weights = {
        key: value
        for key, value in model.state_dict().items()
        if 'std_calibration' not in key
    }
    path = tmp_path / 'old.pth'
    torch.save(dict(state_dict=weights, meta=dict(epoch=7)), path)
    return str(path)


def test_writes_the_checkpoint_with_a_calibration(checkpoint, tmp_path):
    out = tmp_path / 'new.pth'
    calibrate.main([
        CONFIG, checkpoint, '--out',
        str(out), '--level', '0.8', '--work-dir',
        str(tmp_path / 'work'), '--cfg-options',
        'val_dataloader.dataset.indices=2', 'model.head.num_gmm_samples=16',
        'model.test_cfg.num_hypotheses=3'
    ])
    old, new = (load_safely(path) for path in (checkpoint, out))
    for key, value in old['state_dict'].items():
        assert torch.equal(new['state_dict'][key], value)
    assert bool(new['state_dict']['head.std_calibration.fitted'])
    assert new['state_dict']['head.std_calibration.floor'][1:].min() > 0
    record = new['meta']['std_calibration']
    assert record['level'] == 0.8 and record['epoch'] == 7
    assert record['dataset']['split'] == 'val'
    assert 0 < record['num_poses'] <= 54
    assert record['test_cfg']['num_hypotheses'] == 3


def test_bad_arguments_are_refused(checkpoint, tmp_path):
    with pytest.raises(FileNotFoundError, match='missing.pth'):
        calibrate.main([CONFIG, 'missing.pth', '--out', 'x.pth'])
    with pytest.raises(ValueError, match='.pth'):
        calibrate.main([CONFIG, checkpoint, '--out', 'x.json'])
    with pytest.raises(ValueError, match='same dataset'):
        calibrate.main([
            CONFIG, checkpoint, '--out', 'x.pth', '--cfg-options',
            'val_dataloader.dataset.split=test'
        ])
