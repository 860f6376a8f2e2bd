# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The occlusion study: its cells, tables and pictures."""

import importlib
import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config

import mmdiffpose  # noqa: F401

PROJECT = Path(__file__).resolve().parents[2] / 'projects/occlusion_study'


@pytest.fixture
def project():
    """The study's command."""
    return importlib.import_module('projects.occlusion_study.run')


LEVELS = {
    'mixste': 100.,
    'diffhpe-2d': 80.,
    'diffhpe-2d-control': 90.,
    'wrapper': 60.,
    'wrapper-vanilla': 40.,
    'wrapper-control': 70.,
}


def finish(cell, offset=0.):
    """Write the metrics of a cell: a number that tells which one it is."""
    from projects.occlusion_study.protocol import PATTERNS
    cell.folder.mkdir(parents=True)
    for test in cell.tests:
        value = offset + LEVELS[cell.method]
        value += list(PATTERNS).index(cell.pattern) / 10
        value += list(PATTERNS).index(test)
        cell.metrics_file(test).write_text(
            json.dumps(
                dict(
                    MPJPE_mm=value,
                    symmetry_gap_mm=value / 4,
                    segment_std_mm=None,
                    **{'uncertainty/ECE': value / 1000})))


def finished(root, seeds=(0, )):
    from projects.occlusion_study.protocol import cells_of
    cells = cells_of('mini', seeds, root)
    for cell in cells:
        finish(cell, offset=cell.seed)
    return cells


def test_the_protocol_is_complete(project, tmp_path):
    from projects.occlusion_study.protocol import PATTERNS, cells_of
    cells = cells_of('mini', [0], tmp_path)
    tested = {(cell.method, cell.pattern): set(cell.tests) for cell in cells}
    everything = set(PATTERNS)
    assert len(everything) == 5
    for train in PATTERNS:
        assert tested.pop(('mixste', train)) == everything
        assert tested.pop(('wrapper', train)) == everything
        if train != 'none':
            assert tested.pop(('wrapper-vanilla', train)) == {train}
    table_2 = ('diffhpe-2d', 'diffhpe-2d-control', 'wrapper-control')
    assert tested == {(method, 'none'): {'none'} for method in table_2}
    for cell in cells:
        if cell.method.startswith('wrapper'):
            vanilla = cell.method == 'wrapper-vanilla'
            expected = 'none' if vanilla else cell.pattern
            assert cell.encoder.pattern == expected
            assert cell.encoder.folder in {c.folder for c in cells}
        else:
            assert cell.encoder is None
    assert len({cell.folder for cell in cells}) == len(cells) == 17


def test_parts_bring_the_encoders_that_they_need(project, tmp_path):
    from projects.occlusion_study.protocol import cells_of
    cells = cells_of('mini', [3], tmp_path, ['wrapper-vanilla'],
                     ['none', 'random'])
    assert [(c.method, c.pattern, c.tested)
            for c in cells] == [('mixste', 'none', ()),
                                ('wrapper-vanilla', 'random', ('random', ))]


def test_cells_are_trained_and_validated_with_their_pattern(project, tmp_path):
    from projects.occlusion_study.protocol import Cell
    for pattern in ('none', 'leg_arm'):
        cell = Cell('mini', 'wrapper', pattern, 0, tmp_path, ('random', ))
        cfg = cell.config()
        for split in ('train', 'val'):
            data = cfg[f'{split}_dataloader'].dataset
            assert data.occlusion == dict(pattern=pattern)
        assert 'occlusion' not in cfg.test_dataloader.dataset
        cfg.merge_from_dict(cell.tests['random'])
        assert cfg.test_dataloader.dataset.occlusion.pattern == 'random'


def test_fewer_steps_are_those_of_diffusion(project, tmp_path):
    from projects.occlusion_study.protocol import cells_of
    for cell in cells_of('mini', [0], tmp_path, patterns=['none'],
                         ddim_steps=3):  # yapf: disable
        test_cfg = cell.config().model.get('test_cfg') or {}
        if cell.method == 'mixste' or cell.method.endswith('control'):
            assert not test_cfg
        else:
            assert test_cfg.sampler == 'ddim'
            assert test_cfg.num_sampling_steps == 3


def test_samplers_are_compared_on_the_first_seed_without_occlusions(
        project, tmp_path, monkeypatch):
    from projects.occlusion_study import samplers
    from projects.occlusion_study.protocol import SAMPLERS, cells_of
    cells = cells_of('mini', [4, 5], tmp_path, samplers=True)
    compared = [cell for cell in cells if cell.samplers]
    assert [(c.method, c.pattern, c.seed)
            for c in compared] == [('wrapper', 'none', 4),
                                   ('diffhpe-2d', 'none', 4)]
    cell = compared[1]
    cfg = cell.config()
    cfg.merge_from_dict(cell.tests['ddim-10'])
    assert cfg.model.test_cfg.sampler == 'ddim'
    assert cfg.model.test_cfg.num_sampling_steps == 10
    assert cfg.test_dataloader.dataset.max_sequences == 40

    cell.folder.mkdir(parents=True)
    errors = dict(zip(SAMPLERS, (50., 51., 52.)))
    for name, error in errors.items():
        cell.metrics_file(name).write_text(json.dumps(dict(MPJPE_mm=error)))

    def speeds(cell, tests):
        assert list(tests) == list(SAMPLERS)
        return dict(zip(SAMPLERS, (10., 40., 80.)))

    monkeypatch.setattr(samplers, 'frames_per_second', speeds)
    rows = samplers.compare_samplers(cells)
    assert [row['method'] for row in rows] == ['DiffHPE-2D'] * 3
    text = samplers.samplers_as_markdown(rows)
    assert '| DiffHPE-2D | ddpm-50 | 50.0 | 10 | 1.0 |' in text
    assert '| DiffHPE-2D | ddim-5 | 52.0 | 80 | 8.0 |' in text


def test_every_study_names_configs_that_are_there():
    configs = PROJECT.parents[1] / 'configs'
    names = [
        f'{method}_{study}-27.py' for study in ('mini', 'hdm05', 'h36m')
        for method in ('mixste', 'diffhpe-2d', 'diffhpe-2d-control',
                       'diffhpe-wrapper_mixste',
                       'diffhpe-wrapper-control_mixste')
    ]
    missing = [name for name in names if not (configs / name).is_file()]
    assert not missing


def test_each_cell_is_run_once_encoders_first(project, tmp_path, monkeypatch):
    """The whole protocol, with tools that only say that they were called."""
    calls = []

    def tool(command, **kwargs):
        name, config = Path(command[1]).name, Path(command[2])
        calls.append((name, config.parent.parent.name))
        folder = config.parent
        if name == 'train.py':
            cfg = Config.fromfile(config)
            assert cfg.train_cfg.max_epochs == 7
            context = cfg.model.get('context_checkpoint')
            wrapper = 'wrapper' in str(folder)
            assert (context is not None) == wrapper
            if wrapper:
                assert Path(context).is_file() and '/mixste_' in context
            (folder / 'best_MPJPE_mm_epoch_1.pth').touch()
        else:
            out = Path(command[command.index('--out') + 1])
            pattern = command[-3].split('=')[-1]
            assert out.name == f'metrics-{pattern}.json'
            out.write_text(json.dumps(dict(MPJPE_mm=50.)))
        return type('Done', (), dict(returncode=0))

    monkeypatch.setattr(subprocess, 'run', tool)
    arguments = ['--study', 'mini', '--work-dir', str(tmp_path), '--jobs', '2']
    options = ['--cfg-options', 'train_cfg.max_epochs=7']
    project.main([*arguments, *options])
    trained = [folder for name, folder in calls if name == 'train.py']
    assert len(trained) == len(set(trained)) == 17
    assert not any('wrapper' in folder for folder in trained[:7])
    assert sum(name == 'test.py' for name, _ in calls) == 25 + 25 + 4 + 3

    # Nothing is done twice; what is missing is done again.
    calls.clear()
    (tmp_path / 'mini/wrapper_random/seed0/metrics-leg_arm.json').unlink()
    project.main([*arguments, *options])
    assert calls == [('test.py', 'wrapper_random')]
    calls.clear()
    project.main([*arguments, '--report-only'])
    assert not calls
    document = json.loads((tmp_path / 'mini.json').read_text())
    matrix = document['matrices']['MPJPE']['difference']
    assert matrix['random']['leg_arm'] == 0


def test_tables(project, tmp_path):
    from projects.occlusion_study.matrices import Results, table_2, table_4
    results = Results(finished(tmp_path, seeds=(0, 2)))
    rows = table_2(results).splitlines()
    assert ('| MixSTE | – | 1 | 2 | 101.0 ± 1.4 | 25.2 ± 0.4 | – | – | – | '
            '0.101 ± 0.001 | – |') in rows
    wrapper = next(row for row in rows if row.startswith('| DiffHPE-W'))
    assert '| E2D | 5 | 2 | 61.0 ± 1.4 |' in wrapper
    assert wrapper.endswith('| -39.6 % |')
    assert '| DiffHPE-2D | x2D | 5 |' in '\n'.join(rows)
    assert '| control of DiffHPE-2D | x2D | 1 |' in '\n'.join(rows)
    rows = table_4(results).splitlines()
    assert len(rows) == 7
    assert rows[2].count('61.0 ± 1.4') == 2  # without occlusion they are one
    # Pattern 1 in training (+ .1) and test (+ 1).
    assert rows[3] == ('| random | 102.1 ± 1.4 | 42.1 ± 1.4 | 62.1 ± 1.4 |')


def test_matrices_have_training_in_rows_and_the_wrappers_gain(
        project, tmp_path):
    from projects.occlusion_study.matrices import (Results, as_document,
                                                   as_markdown)
    cells = finished(tmp_path)
    missing = next(
        c for c in cells if (c.method, c.pattern) == ('wrapper', 'leg_arm'))
    missing.metrics_file('random').unlink()
    results = Results(cells)
    matrices = results.matrices('MPJPE')
    train, test = np.mgrid[:5, :5]
    np.testing.assert_allclose(matrices['MixSTE'], 100 + train / 10 + test)
    difference = np.full((5, 5), 40.)
    difference[2, 1] = np.nan
    np.testing.assert_allclose(matrices['difference'], difference)
    document = as_document(results)['matrices']['MPJPE']
    assert document['MixSTE']['random']['leg_arm'] == pytest.approx(102.1)
    assert document['difference']['leg_arm']['random'] is None
    text = as_markdown(results)
    assert '| random | 100.1 | 101.1 | 102.1 | 103.1 | 104.1 |' in text
    assert '| random leg and arm | +40.0 | – | +40.0 |' in text
    assert json.dumps(as_document(results))


def test_human36m_averages_over_actions(project, tmp_path):
    from projects.occlusion_study.matrices import Results
    from projects.occlusion_study.protocol import Cell
    cell = Cell('h36m', 'mixste', 'none', 0, tmp_path, ('none', ))
    cell.folder.mkdir(parents=True)
    cell.metrics_file('none').write_text(
        json.dumps({
            'MPJPE_mm': 1.,
            'MPJPE_mm/action_mean': 2.
        }))
    values = Results([cell]).values('mixste', 'none', 'none', 'MPJPE')
    assert values == [2.]


@pytest.mark.parametrize('done', [True, False])
def test_pictures(project, tmp_path, done):
    from projects.occlusion_study.heat_maps import plot_matrices
    values = np.arange(25.).reshape(5, 5) if done else np.full((5, 5), np.nan)
    path = plot_matrices({
        'MixSTE': values + 50,
        'difference': values - 12
    }, 'abcde', 'MPJPE', tmp_path / 'new' / 'a.png')
    assert path.stat().st_size > 5000


def test_a_tiny_cell_from_training_to_the_report(project, tmp_path,
                                                 monkeypatch):
    monkeypatch.setenv('PYTHONPATH', str(PROJECT.parents[1]))
    settings = {
        'train_cfg.max_epochs': 1,
        'train_cfg.val_interval': 1,
        'train_dataloader.batch_size': 1,
        'train_dataloader.num_workers': 0,
        'train_dataloader.persistent_workers': False,
        'model.backbone.depth': 1
    }
    for split in ('train', 'val', 'test'):
        settings[f'{split}_dataloader.dataset.max_sequences'] = 1
    project.main([
        '--study', 'mini', '--work-dir',
        str(tmp_path), '--methods', 'mixste', '--patterns',
        'consecutive_frames', '--cfg-options',
        *(f'{key}={value}' for key, value in settings.items())
    ])
    report = json.loads((tmp_path / 'mini.json').read_text())
    matrix = report['matrices']['MPJPE']['MixSTE']
    found = matrix['consecutive_frames']['consecutive_frames']
    assert 50 < found < 2000
    assert f'| {found:.1f} |' in (tmp_path / 'mini.md').read_text()
    folder = tmp_path / 'mini' / 'mixste_consecutive_frames' / 'seed0'
    cfg = Config.fromfile(folder / 'config.py')
    assert cfg.val_dataloader.dataset.occlusion.pattern == 'consecutive_frames'
