# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What the arguments of train.py and test.py do to the config."""

import json
from pathlib import Path
from typing import Callable

import pytest
import torch
from mmengine.config import Config


@pytest.fixture
def train(load_command: Callable, tiny_config: Path) -> Callable[..., Config]:
    """Configure a training with arguments."""
    tool = load_command('train')
    return lambda *arguments: tool.configure(tool.make_parser().parse_args(
        [str(tiny_config), *arguments]))


def test_defaults(train: Callable[..., Config]) -> None:
    cfg = train()
    assert cfg.work_dir == 'work_dirs/tiny'
    assert cfg.launcher == 'none'
    assert cfg.randomness == dict(seed=1, deterministic=True)
    assert not cfg.get('resume')


def test_seed_keeps_the_other_settings(train: Callable[..., Config]) -> None:
    assert train('--seed', '0').randomness == dict(seed=0, deterministic=True)


def test_work_dir_and_overrides(train: Callable[..., Config]) -> None:
    cfg = train('--work-dir', 'somewhere else', '--cfg-options',
                'train_cfg.max_epochs=7', 'optim_wrapper.optimizer.lr=0.5')
    assert cfg.work_dir == 'somewhere else'
    assert cfg.train_cfg.max_epochs == 7
    assert cfg.optim_wrapper.optimizer.lr == 0.5


def test_no_validate(train: Callable[..., Config]) -> None:
    cfg = train('--no-validate')
    assert cfg.val_cfg is None and cfg.val_dataloader is None
    assert cfg.val_evaluator is None


def test_no_validate_reaches_the_earlier_stage(load_command: Callable) -> None:
    tool = load_command('train')
    path = Path(__file__).parents[2] / 'configs/diffpose_mixste_mini-27.py'
    cfg = tool.configure(tool.make_parser().parse_args(
        [str(path), '--no-validate']))
    given = cfg.train_cfg.context_options
    assert cfg.val_dataloader is None
    assert {given[f'val_{key}']
            for key in ('cfg', 'dataloader', 'evaluator')} == {None}


def test_resume(train: Callable[..., Config], tmp_path: Path) -> None:
    cfg = train('--resume')
    assert cfg.resume is True and cfg.load_from is None
    checkpoint = tmp_path / 'epoch_1.pth'
    with pytest.raises(FileNotFoundError, match='epoch_1.pth'):
        train('--resume', str(checkpoint))
    checkpoint.touch()
    with pytest.raises(ValueError, match='epoch_1.pth is empty'):
        train('--resume', str(checkpoint))
    torch.save(dict(state_dict={}), checkpoint)
    cfg = train('--resume', str(checkpoint))
    assert cfg.resume is True and cfg.load_from == str(checkpoint)


def test_resuming_what_has_not_begun_starts_from_load_from(
        train: Callable[..., Config], tmp_path: Path) -> None:
    arguments = ('--resume', '--work-dir', str(tmp_path), '--cfg-options',
                 'load_from=mixste-v1')
    cfg = train(*arguments)
    assert not cfg.resume and cfg.load_from == 'mixste-v1'
    torch.save(dict(meta={}), tmp_path / 'epoch_3.pth')
    (tmp_path / 'last_checkpoint').write_text('/an/older/place/epoch_3.pth')
    cfg = train(*arguments)
    assert cfg.resume and cfg.load_from == str(tmp_path / 'epoch_3.pth')


def test_amp(train: Callable[..., Config],
             monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    assert train('--amp').optim_wrapper.type == 'AmpOptimWrapper'
    with pytest.raises(ValueError, match='OptimWrapperDict'):
        train('--amp', '--cfg-options', 'optim_wrapper.type=OptimWrapperDict')
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    cfg = train('--amp')
    assert cfg.optim_wrapper.type == 'mmdiffpose.CpuAmpOptimWrapper'
    assert 'loss_scale' not in cfg.optim_wrapper


def test_auto_scale_lr(train: Callable[..., Config]) -> None:
    with pytest.raises(ValueError, match='base_batch_size'):
        train('--auto-scale-lr')
    cfg = train('--auto-scale-lr', '--cfg-options',
                'auto_scale_lr.base_batch_size=16')
    assert cfg.auto_scale_lr == dict(enable=True, base_batch_size=16)


@pytest.mark.parametrize('option, hint', [
    ('optim_wraper.optimizer.lr=1', 'did you mean optim_wrapper'),
    ('seed=3', 'did you mean randomness.seed'),
    ('batch_size=8', 'batch_size is a variable'),
])
def test_overrides_that_nothing_reads_are_refused(train: Callable[..., Config],
                                                  option: str,
                                                  hint: str) -> None:
    with pytest.raises(ValueError, match=hint):
        train('--cfg-options', option)


def test_occlusion_reaches_all_splits_and_the_earlier_stage(
        load_command: Callable) -> None:
    tool = load_command('train')

    def configure(name: str, *arguments: str) -> Config:
        path = Path(__file__).parents[2] / 'configs' / name
        return tool.configure(tool.make_parser().parse_args(
            [str(path), *arguments]))

    def found(cfg: Config) -> list:
        return [
            cfg[f'{split}_dataloader'].dataset.get('occlusion',
                                                   {}).get('pattern')
            for split in ('train', 'val', 'test')
        ]

    cfg = configure('diffpose_mixste_mini-27.py')
    assert found(cfg) == [None] * 3
    assert 'context_options' not in cfg.train_cfg
    cfg = configure('diffpose_mixste_mini-27.py', '--occlusion', 'leg_arm')
    assert found(cfg) == ['leg_arm'] * 3
    first = Config.fromfile(cfg.train_cfg.context_config)
    first.merge_from_dict(cfg.train_cfg.context_options)
    assert found(first) == ['leg_arm'] * 3
    # One split only, with another probability.
    key = 'train_dataloader.dataset.occlusion'
    cfg = configure('mixste_mini-27.py', '--cfg-options',
                    f'{key}.pattern=random', f'{key}.probability=0.3')
    assert found(cfg) == ['random', None, None]
    assert cfg.train_dataloader.dataset.occlusion.probability == .3


def test_occlusion_reaches_joined_data_sets_and_all_earlier_stages(
        load_command: Callable) -> None:
    tool = load_command('train')

    def configure(name: str) -> Config:
        path = Path(__file__).parents[2] / 'configs' / name
        return tool.configure(tool.make_parser().parse_args(
            [str(path), '--occlusion', 'random']))

    def earlier(train_cfg: dict, stage: str) -> Config:
        cfg = Config.fromfile(train_cfg[f'{stage}_config'])
        cfg.merge_from_dict(train_cfg[f'{stage}_options'])
        return cfg

    cfg = configure('diffpose_mixste_hdm05-cmu-27.py')
    first = earlier(cfg.train_cfg, 'context')
    for stage in (cfg, first):
        joined = stage.train_dataloader.dataset
        assert [part.occlusion.pattern
                for part in joined.datasets] == ['random'] * 2
        assert 'occlusion' not in joined
        assert stage.val_dataloader.dataset.occlusion.pattern == 'random'
    # Three stages, of which the first has nothing to validate on.
    cfg = configure('diffpose_pstmo_hdm05-27.py')
    first = earlier(earlier(cfg.train_cfg, 'context').train_cfg, 'pretrain')
    assert first.train_dataloader.dataset.occlusion.pattern == 'random'
    assert first.val_dataloader is None


def test_missing_config_names_a_similar_one(load_command: Callable) -> None:
    tool = load_command('train')
    with pytest.raises(
            FileNotFoundError,
            match='no config at configs/mixste_mini-72.py.*did you mean '
            'mixste_mini-27'):
        tool.configure(tool.make_parser().parse_args(
            ['configs/mixste_mini-72.py']))


def test_a_config_is_found_by_its_name(load_command: Callable) -> None:
    tool = load_command('train')
    cfg = tool.configure(tool.make_parser().parse_args(['mixste_mini-27']))
    assert Path(cfg.filename).name == 'mixste_mini-27.py'
    assert cfg.work_dir == str(Path('work_dirs/mixste_mini-27'))


@pytest.mark.parametrize('gpus, backend, expected', [
    (0, None, 'gloo'),
    (0, 'nccl', 'gloo'),
    (0, 'mpi', 'mpi'),
    (2, None, None),
    (2, 'gloo', 'gloo'),
])
def test_backend_fits_the_machine(load_command: Callable,
                                  monkeypatch: pytest.MonkeyPatch, gpus: int,
                                  backend: str, expected: str) -> None:
    load_command('train')
    from mmdiffpose.cli.launching import choose_backend
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: gpus > 0)
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: gpus)
    env_cfg = dict(cudnn_benchmark=False)
    if backend:
        env_cfg['dist_cfg'] = dict(backend=backend, timeout=60)
    cfg = Config(dict(launcher='pytorch', env_cfg=env_cfg))
    notes = choose_backend(cfg)
    assert cfg.env_cfg.get('dist_cfg', {}).get('backend') == expected
    assert cfg.env_cfg.cudnn_benchmark is False
    assert bool(notes) == (expected == 'gloo' and backend != 'gloo')
    if backend:
        assert cfg.env_cfg.dist_cfg.timeout == 60


def test_more_processes_than_gpus(load_command: Callable,
                                  monkeypatch: pytest.MonkeyPatch) -> None:
    load_command('train')
    from mmdiffpose.cli.launching import choose_backend
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 2)
    monkeypatch.setenv('LOCAL_RANK', '2')
    with pytest.raises(ValueError, match='there are 2'):
        choose_backend(Config(dict(launcher='pytorch')))


def test_test_arguments(load_command: Callable, tiny_config: Path,
                        tmp_path: Path) -> None:
    tool = load_command('test')
    checkpoint = tmp_path / 'weights.pth'

    def configure(*arguments: str) -> Config:
        return tool.configure(tool.make_parser().parse_args(
            [str(tiny_config), str(checkpoint), *arguments]))

    with pytest.raises(FileNotFoundError, match='weights.pth'):
        configure()
    torch.save(dict(state_dict={}), checkpoint)
    with pytest.raises(ValueError, match='--out writes a .json'):
        configure('--out', 'metrics.txt')
    cfg = configure('--dump', 'predictions.pkl')
    assert cfg.load_from == str(checkpoint)
    assert [e.type
            for e in cfg.test_evaluator] == ['TinyMetric', 'DumpResults']


def test_metrics_file_has_no_nan(load_command: Callable,
                                 tmp_path: Path) -> None:
    path = tmp_path / 'new folder' / 'metrics.json'
    load_command('test').write_metrics(
        dict(a=1.5, b=float('nan'), c=torch.tensor(2.)), str(path))
    assert json.loads(path.read_text()) == dict(a=1.5, b=None, c=2.0)
    assert [p.name for p in path.parent.iterdir()] == ['metrics.json']
