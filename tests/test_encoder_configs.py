# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Every encoder's configs train all their stages and test, on tiny files.

Reduced for the sake of time are MixSTE with 512 channels (to 32, depth 2) and
the denoiser on windows of more than 27 frames (to 32 channels, its mixtures
fitted to 32 samples). The networks' own sizes are counted at the end.
"""
from pathlib import Path

import pytest
import torch
from lifting_files import write_hdm05, write_human36m, write_mpi_inf_3dhp
from mmengine.config import Config
from mmengine.registry import DefaultScope, init_default_scope
from mmengine.runner import Runner

from mmdiffpose.checkpoints.safe_classes import load_safely
from mmdiffpose.registry import MODELS

CONFIGS = Path(__file__).parents[1] / 'configs'
WRITERS = dict(
    h36m=write_human36m, **{'3dhp': write_mpi_inf_3dhp}, hdm05=write_hdm05)
SMALL_MIXSTE = {
    'model.backbone.embed_dims': 32,
    'model.backbone.depth': 2,
}
SMALL_DENOISER = {
    'model.head.denoiser.channels': 32,
    'model.head.num_gmm_samples': 32,
}

# DiffPose's config: whether MixSTE and the denoiser are reduced.
DIFFPOSE = {
    'diffpose_mixste_h36m-243_gt': (True, True),
    'diffpose_mixste_h36m-27': (True, False),
    'diffpose_mixste_3dhp-81': (True, True),
    'diffpose_graformer_h36m-1': (False, False),
    'diffpose_graformer_h36m-1_gt': (False, False),
    'diffpose_pstmo_h36m-243': (False, True),
    'diffpose_pstmo_hdm05-27': (False, False),
}
ALONE = ('mixste_h36m-27', 'graformer_hdm05-1')
PRETRAINED = ('pstmo_h36m-243', 'pstmo_hdm05-27')

pytestmark = pytest.mark.usefixtures('plain_dumps')


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    """Folder of a data set, written on demand."""
    written = {}

    def folder(name):
        dataset = name.split('_')[2 if name.startswith('diff') else 1]
        dataset = dataset.split('-')[0]
        if dataset not in written:
            written[dataset] = tmp_path_factory.mktemp(dataset)
            WRITERS[dataset](written[dataset])
        return written[dataset]

    return folder


def few(root, loaders=('train', 'val', 'test')):
    """One iteration of two windows, one window to validate and to test."""
    options = {'train_cfg.max_epochs': 1}
    if len(loaders) > 1:
        options['train_cfg.val_interval'] = 1
    for loader in loaders:
        options.update({
            f'{loader}_dataloader.dataset.data_root':
            str(root),
            f'{loader}_dataloader.dataset.indices':
            1 + (loader == 'train'),
            f'{loader}_dataloader.batch_size':
            2,
            f'{loader}_dataloader.num_workers':
            0,
            f'{loader}_dataloader.persistent_workers':
            False,
        })
    return options


def load(name, root, work_dir, mixste_reduced=False):
    """A stage's config with few windows, and maybe a smaller MixSTE."""
    config = Config.fromfile(CONFIGS / f'{name}.py')
    config.merge_from_dict(few(root))
    if mixste_reduced:
        config.merge_from_dict(SMALL_MIXSTE)
        head = 'coarse_head' if name.startswith('diffpose') else 'head'
        config.model[head].in_channels = 32
    config.work_dir = str(work_dir)
    config.experiment_name = f'{name}-{work_dir.name}'
    return config


def check_metrics(name, metrics):
    keys = ['MPJPE_mm', 'P-MPJPE_mm', 'P-MPJPE_mm/action_mean']
    if '3dhp' in name:
        keys = ['MPJPE_mm', 'PCK@150mm', 'AUC', 'AUC/sequence_mean']
    for key in keys:
        assert 0 <= metrics[key] < 2000, key


def pretrain_options(root):
    return {
        f'train_cfg.pretrain_options.{key}': value
        for key, value in few(root, ('train', )).items()
    }


@pytest.mark.parametrize('name', sorted(DIFFPOSE))
def test_all_stages_and_a_test_batch(name, data, tmp_path):
    mixste_reduced, denoiser_reduced = DIFFPOSE[name]
    root = data(name)
    config = load(name, root, tmp_path, mixste_reduced)
    stage_one = Path(config.train_cfg.context_config).stem
    context = load(stage_one, root, tmp_path / 'test', mixste_reduced)
    options = few(root)
    if mixste_reduced:
        options.update({**SMALL_MIXSTE, 'model.head.in_channels': 32})
        config.model.head.in_channels = 32
    if denoiser_reduced:
        config.merge_from_dict(SMALL_DENOISER)
    if stage_one in PRETRAINED:
        options.update(pretrain_options(root))
    config.train_cfg.context_options = options

    runner = Runner.from_cfg(config)
    runner.train()
    model = runner.model
    assert bool(model.context_loaded) and int(model.head.iteration) == 1
    assert bool(model.coarse_head.calibrated)
    assert model.head.denoiser.output.linear.weight.abs().max() > 0
    check_metrics(name, runner.test())

    weights = tmp_path / 'context' / 'context.pth'
    saved = load_safely(weights)['state_dict']
    for key, value in model.backbone.state_dict().items():
        assert torch.equal(value, saved[f'backbone.{key}']), key
    if stage_one in PRETRAINED:
        assert bool(model.backbone.pretraining_loaded)
    context.load_from = str(weights)
    check_metrics(stage_one, Runner.from_cfg(context).test())


@pytest.mark.parametrize('name', ALONE)
def test_encoders_alone(name, data, tmp_path):
    runner = Runner.from_cfg(load(name, data(name), tmp_path))
    runner.train()
    assert bool(runner.model.head.calibrated)
    check_metrics(name, runner.test())


def test_pretrained_weights_are_what_fine_tuning_starts_from(data, tmp_path):
    """With a learning rate of 0 they are still there at the end."""
    name = 'pstmo_hdm05-27'
    root = data(name)
    config = load(name, root, tmp_path)
    config.merge_from_dict({
        **pretrain_options(root), 'optim_wrapper.optimizer.lr':
        0.,
        'param_scheduler': []
    })
    runner = Runner.from_cfg(config)
    fresh = {k: v.clone() for k, v in runner.model.state_dict().items()}
    runner.train()
    path = tmp_path / 'pretraining' / 'pretraining.pth'
    saved = load_safely(path)['state_dict']
    moved = 0
    for key, value in runner.model.backbone.encoder.named_parameters():
        torch.testing.assert_close(value, saved[f'encoder.{key}'])
        moved += not torch.equal(value, fresh[f'backbone.encoder.{key}'])
    assert moved > 20
    # A second run takes what is there.
    stamp = path.stat().st_mtime_ns
    again = load(name, root, tmp_path)
    again.experiment_name += '-again'
    again.merge_from_dict(pretrain_options(root))
    Runner.from_cfg(again).train()
    assert path.stat().st_mtime_ns == stamp


def test_no_pretraining_config_is_an_error_that_names_it(data, tmp_path):
    name = 'pstmo_hdm05-27'
    config = load(name, data(name), tmp_path)
    config.train_cfg.pretrain_config = 'configs/none.py'
    with pytest.raises(
            FileNotFoundError, match='pretrain_config.*configs/none.py'):
        Runner.from_cfg(config).train()


def build(name):
    if DefaultScope.get_current_instance() is None:
        init_default_scope('mmpose')
    return MODELS.build(Config.fromfile(CONFIGS / f'{name}.py').model)


def count(module):
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize('name, frames', [('mixste_h36m-243_gt', 243),
                                          ('mixste_3dhp-81', 81),
                                          ('mixste_h36m-27_w512', 27)])
def test_the_large_models_have_the_published_sizes(name, frames):
    # 33,783,811 at 243 frames; shorter windows have fewer positions.
    assert count(build(name)) == 33_783_811 - (243 - frames) * 512


def test_sizes_of_the_other_published_models():
    assert count(build('mixste_h36m-27')) == 539_139
    assert count(build('graformer_h36m-1')) == 654_344


@pytest.mark.parametrize('name', [
    'mixste_h36m-243_gt', 'graformer_h36m-1_gt', 'diffpose_mixste_h36m-243_gt',
    'diffpose_graformer_h36m-1_gt'
])
def test_exact_2d_everywhere(name):
    config = Config.fromfile(CONFIGS / f'{name}.py')
    for loader in ('train', 'val', 'test'):
        dataset = config[f'{loader}_dataloader'].dataset
        assert dataset.keypoint_2d_src == 'gt'
    if name.startswith('diffpose'):
        assert config.train_cfg.context_config.endswith('_gt.py')


def test_diffhpes_conditioner_is_trained_without_flips():
    config = Config.fromfile(CONFIGS / 'mixste_h36m-27.py')
    steps = [step.type for step in config.train_dataloader.dataset.pipeline]
    assert 'mmdiffpose.LiftingFlip' not in steps
    assert 'flip_test' not in config.model.get('test_cfg', {})
    assert 'mmdiffpose.LiftingFlip' in [
        step.type for step in Config.fromfile(
            CONFIGS /
            'mixste_h36m-27_w512.py').train_dataloader.dataset.pipeline
    ]
