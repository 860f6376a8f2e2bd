# Copyright (c) mmdiffpose contributors. All rights reserved.
"""DiffHPE's configs train all their stages and test, on tiny files.

The small presets run at their own size, all 50 steps. Reduced for the sake of
time are those on Human3.6M: to 2 blocks, and MixSTE to depth 2; their sizes
are counted in ``test_the_published_sizes``. The model zoo's are in
``test_zoo_configs.py``.
"""
from pathlib import Path

import pytest
import torch
from lifting_files import write_hdm05, write_human36m
from mmengine.config import Config
from mmengine.registry import DefaultScope, init_default_scope
from mmengine.runner import Runner

from mmdiffpose.checkpoints.safe_classes import load_safely
from mmdiffpose.registry import MODELS

CONFIGS = Path(__file__).parents[1] / 'configs'
WRITERS = dict(h36m=write_human36m, hdm05=write_hdm05)
NAMES = sorted(
    path.stem for path in CONFIGS.glob('diffhpe-*_*-27.py')
    if '-cmu-' not in path.stem and 'views' not in path.stem)

pytestmark = pytest.mark.usefixtures('plain_dumps')


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    """Folder of a data set, written on demand; None for mocap-mini."""
    written = {}

    def folder(name):
        dataset = name.split('_')[-1].split('-')[0]
        if dataset not in WRITERS:
            return None
        if dataset not in written:
            written[dataset] = tmp_path_factory.mktemp(dataset)
            WRITERS[dataset](written[dataset])
        return written[dataset]

    return folder


def few(root):
    """One iteration of two windows, one window to validate and to test."""
    options = {'train_cfg.max_epochs': 1, 'train_cfg.val_interval': 1}
    for loader in ('train', 'val', 'test'):
        key = f'{loader}_dataloader'
        options.update({
            f'{key}.dataset.indices': 1 + (loader == 'train'),
            f'{key}.batch_size': 2,
            f'{key}.num_workers': 0,
            f'{key}.persistent_workers': False,
        })
        if root is not None:
            options[f'{key}.dataset.data_root'] = str(root)
    return options


def test_which_there_are():
    methods = ('diffhpe-2d', 'diffhpe-2d-control', 'diffhpe-wrapper_mixste',
               'diffhpe-wrapper-control_mixste')
    assert set(NAMES) == {
        f'{method}_{data}-27'
        for method in methods
        for data in ('h36m', 'hdm05', 'mini')
    }


@pytest.mark.parametrize('name', NAMES)
def test_all_stages_and_a_test_batch(name, data, tmp_path):
    wrapper = 'wrapper' in name
    config = Config.fromfile(CONFIGS / f'{name}.py')
    options = few(data(name))
    config.merge_from_dict(options)
    if 'h36m' in name:
        config.model.head.denoiser.num_blocks = 2
        if wrapper:
            config.model.backbone.depth = 2
            options['model.backbone.depth'] = 2
    if wrapper:
        config.train_cfg.context_options = options
    config.work_dir = str(tmp_path)
    config.experiment_name = f'{name}-{tmp_path.name}'
    runner = Runner.from_cfg(config)
    runner.train()
    model = runner.model
    assert bool(model.context_loaded)
    assert model.head.denoiser.output2.weight.abs().max() > 0
    assert model.head.denoiser.dropout == {
        'diffhpe-2d_h36m-27': 0.032,
        'diffhpe-wrapper_mixste_h36m-27': 0.27038
    }.get(name.replace('-control', ''), 0)
    metrics = runner.test()
    keys = ['MPJPE_mm', 'P-MPJPE_mm/action_mean']
    if 'control' in name:
        assert bool(model.head.calibrated)
    else:
        assert bool(model.head.std_calibration.fitted)
        keys += [
            'aggregation/JPMA_mm', 'oracle/JPMA_mm', 'oracle/best_mm',
            'oracle/worst_mm'
        ]
        assert metrics['aggregation/mean_mm'] == pytest.approx(
            metrics['MPJPE_mm'], rel=1e-4)
    for key in keys:
        # An untrained denoiser leaves the noise in, scaled up.
        assert 0 <= metrics[key] < 1e6, key
    if wrapper:
        saved = load_safely(tmp_path / 'context' / 'context.pth')['state_dict']
        for key, value in model.backbone.state_dict().items():
            assert torch.equal(value, saved[f'backbone.{key}']), key


def count(module):
    return sum(p.numel() for p in module.parameters())


def test_the_published_sizes():
    if DefaultScope.get_current_instance() is None:
        init_default_scope('mmpose')
    plain, wrapper = (
        MODELS.build(Config.fromfile(CONFIGS / f'{name}.py').model)
        for name in ('diffhpe-2d_h36m-27', 'diffhpe-wrapper_mixste_h36m-27'))
    assert count(plain) == 3_201_971
    assert count(wrapper.head) == 3_209_843 + 256
    assert count(wrapper.backbone) + count(wrapper.coarse_head) == 539_139


def test_the_published_recipe():
    for name, lr in (('diffhpe-2d_h36m-27', 8.0835e-4),
                     ('diffhpe-wrapper_mixste_h36m-27', 2.7014e-4)):
        config = Config.fromfile(CONFIGS / f'{name}.py')
        assert dict(config.optim_wrapper.optimizer) == dict(
            type='Adam', lr=lr, weight_decay=1e-6)
        plateau, = config.param_scheduler
        assert plateau.type == 'ReduceOnPlateauLR' and plateau.factor == 0.5
        assert plateau.patience * config.train_cfg.val_interval == 50
        assert config.train_dataloader.batch_size == 200
        assert config.train_cfg.max_epochs == 1000
        steps = [s.type for s in config.train_dataloader.dataset.pipeline]
        assert 'mmdiffpose.LiftingFlip' not in steps
