# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The model zoo's configs train all their stages on two data sets at once.

On tiny files, at their own sizes.
"""
from pathlib import Path

import pytest
from lifting_files import write_cmu, write_hdm05
from mmengine.config import Config
from mmengine.registry import DATASETS, init_default_scope
from mmengine.runner import Runner

CONFIGS = Path(__file__).parents[1] / 'configs'
WRAPPER = 'diffhpe-wrapper_mixste_hdm05-cmu-27'
ENCODERS = ('graformer_hdm05-cmu-1', 'mixste_hdm05-cmu-27',
            'mixste_hdm05-cmu-27_occluded')
NAMES = sorted(
    path.stem for path in CONFIGS.glob('*_hdm05-cmu-*.py')
    if path.stem not in ENCODERS)

pytestmark = pytest.mark.usefixtures('plain_dumps')


@pytest.fixture(scope='module')
def roots(tmp_path_factory):
    """Folders of HDM05 and CMU."""
    folders = [tmp_path_factory.mktemp(name) for name in ('hdm05', 'cmu')]
    for folder, write in zip(folders, (write_hdm05, write_cmu)):
        write(folder)
    return folders


def few(roots):
    """One iteration of two windows, one window to validate and to test."""
    options = {
        'train_cfg.max_epochs': 1,
        'train_cfg.val_interval': 1,
        'train_dataloader.batch_size': 2,
        'train_dataloader.num_workers': 0,
        'train_dataloader.persistent_workers': False,
    }
    for part, root in enumerate(roots):
        key = f'train_dataloader.dataset.datasets.{part}'
        options.update({f'{key}.data_root': str(root), f'{key}.indices': 1})
    for split in ('val', 'test'):
        key = f'{split}_dataloader'
        options.update({
            f'{key}.dataset.data_root': str(roots[0]),
            f'{key}.dataset.indices': 1,
            f'{key}.batch_size': 1,
        })
    return options


def test_which_there_are():
    assert NAMES == [
        'diffhpe-2d_hdm05-cmu-27', WRAPPER, f'{WRAPPER}_occluded',
        'diffpose_graformer_hdm05-cmu-1', 'diffpose_mixste_hdm05-cmu-27'
    ]


@pytest.mark.parametrize('name', [n for n in NAMES if n != WRAPPER])
def test_all_stages_and_a_test_batch(name, roots, tmp_path):
    config = Config.fromfile(CONFIGS / f'{name}.py')
    options = few(roots)
    config.merge_from_dict(options)
    if 'context_config' in config.train_cfg:
        assert Path(config.train_cfg.context_config).stem in ENCODERS
        config.train_cfg.context_options = options
    config.work_dir = str(tmp_path)
    config.experiment_name = f'{name}-{tmp_path.name}'
    runner = Runner.from_cfg(config)
    runner.train()
    assert bool(runner.model.context_loaded)
    assert len(runner.train_dataloader) == 1
    # An untrained denoiser leaves the noise in, scaled up.
    assert 0 <= runner.test()['MPJPE_mm'] < 1e6


def test_both_data_sets_are_seen_with_the_benchmarks_cameras(roots):
    config = Config.fromfile(CONFIGS / 'mixste_hdm05-cmu-27.py')
    config.merge_from_dict({
        key: value
        for key, value in few(roots).items() if 'data_root' in key
    })
    init_default_scope('mmpose')
    joined = DATASETS.build(config.train_dataloader.dataset)
    subjects = [{sequence.subject
                 for sequence in part.sequences} for part in joined.datasets]
    # Not dg, who is validated on.
    assert subjects == [{'bd', 'bk'}, {'02', '07'}]
    assert joined[0]['inputs'].shape == joined[-1]['inputs'].shape


def test_the_occluded_one_differs_in_what_it_is_trained_on():
    plain, occluded = (
        Config.fromfile(CONFIGS / f'{WRAPPER}{end}.py')
        for end in ('', '_occluded'))
    for part in occluded.train_dataloader.dataset.datasets:
        assert part.pop('occlusion') == dict(pattern='mixture')
    for key in ('model', 'train_dataloader', 'val_dataloader'):
        assert plain[key] == occluded[key]
    # Its encoder, too, is one that was trained so.
    encoder = Config.fromfile(occluded.train_cfg.context_config)
    for part in encoder.train_dataloader.dataset.datasets:
        assert part.occlusion == dict(pattern='mixture')
