# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The random search over learning rate and dropout."""

import importlib
import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config

import mmdiffpose  # noqa: F401

optuna = pytest.importorskip('optuna')

PROJECT = Path(__file__).resolve().parents[2] / 'projects/diffhpe_search'
RANGES = dict(lr=(1e-4, 1e-2), dropout=(0., .5))


@pytest.fixture
def project():
    """The study's command."""
    return importlib.import_module('projects.diffhpe_search.run')


@pytest.fixture
def start(project, tmp_path):
    """Open (again) the search in a file, as a new process does."""
    return lambda seed=0: project.open_study(tmp_path / 'a' / 'search.db',
                                             'test', seed)


def bowl(folder, parameters):
    """Least at a learning rate of 1e-3 and a dropout of 0.1."""
    return (50 + abs(np.log10(parameters['lr']) + 3) +
            abs(parameters['dropout'] - .1))


def test_draws_are_log_uniform_and_uniform(project):
    from projects.diffhpe_search.search import suggest
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    draws = [suggest(study.ask(), RANGES) for _ in range(400)]
    exponents = np.log10([draw['lr'] for draw in draws])
    dropouts = np.array([draw['dropout'] for draw in draws])
    for values, low, high in ((exponents, -4, -2), (dropouts, 0, .5)):
        assert low <= values.min() and values.max() <= high
        deviation = (high - low) / np.sqrt(12)
        bound = 5 * deviation / np.sqrt(len(values))
        assert abs(values.mean() - (low + high) / 2) < bound
        assert values.std() == pytest.approx(deviation, rel=.1)


def test_a_search_goes_on_with_new_draws(project, start):
    calls = []

    def objective(folder, parameters):
        calls.append((folder, parameters['lr']))
        return bowl(folder, parameters)

    project.search(start(), 3, 1, RANGES, objective)
    project.search(start(), 3, 1, RANGES, objective)
    assert len(calls) == 3
    study = start()
    project.search(study, 6, 2, RANGES, objective)
    assert [folder for folder, _ in sorted(calls)
            ] == [f'trial{i:03d}' for i in range(6)]
    assert len({rate for _, rate in calls}) == 6
    rows = project.rows_of(study)
    errors = [row['MPJPE_mm'] for row in rows]
    assert errors == sorted(errors) and len(rows) == 6
    assert rows[0]['MPJPE_mm'] == bowl('', rows[0])


def test_an_interrupted_trial_keeps_its_values_and_its_folder(project, start):
    seen = []

    def killed(folder, parameters):
        seen.append((folder, parameters))
        if len(seen) == 2:
            raise KeyboardInterrupt
        return 50.

    with pytest.raises(KeyboardInterrupt):
        project.search(start(), 3, 1, RANGES, killed)
    study = start()
    assert project.revive_interrupted(study) == 1
    project.search(study, 3, 1, RANGES, killed)
    assert seen[2] == seen[1]
    assert [folder for folder, _ in seen
            ] == ['trial000', 'trial001', 'trial001', 'trial003']
    rows = project.rows_of(study)
    assert [row['trial']
            for row in rows] == ['trial000', 'trial001', 'trial003']
    assert project.revive_interrupted(start()) == 0


def test_a_failed_training_is_a_failed_trial(project, start):

    def diverging(folder, parameters):
        if folder == 'trial001':
            raise RuntimeError('loss is nan')
        return bowl(folder, parameters)

    study = start()
    project.search(study, 3, 1, RANGES, diverging)
    rows = project.rows_of(study)
    assert rows[-1]['trial'] == 'trial001' and rows[-1]['MPJPE_mm'] is None
    text = project.as_markdown(rows, 'title')
    assert '| failed |' in text
    assert f'optim_wrapper.optimizer.lr={rows[0]["lr"]:.4g}' in text

    def broken(folder, parameters):
        raise RuntimeError('no such key')

    with pytest.raises(RuntimeError, match='all 2 trials.*no such key'):
        project.search(study, 5, 1, RANGES, broken)


@pytest.mark.parametrize('method', ['2d', 'wrapper'])
def test_trials_train_with_their_values_and_never_see_the_test_split(
        project, tmp_path, monkeypatch, method):
    from projects.diffhpe_search import trials
    monkeypatch.setitem(trials.METHODS, method,
                        'diffpose_mixste_{study}-27.py')
    trained = {}

    def tool(command, **kwargs):
        assert Path(command[1]).name == 'train.py'
        folder = Path(command[2]).parent
        trained[folder.name] = cfg = Config.fromfile(command[2])
        (folder / 'best_MPJPE_mm_epoch_1.pth').touch()
        log = folder / 'now' / 'vis_data' / 'scalars.json'
        log.parent.mkdir(parents=True)
        least = 1e4 * cfg.optim_wrapper.optimizer.lr
        log.write_text('\n'.join(
            json.dumps(entry)
            for entry in (dict(loss=.1), dict(MPJPE_mm=least + 1),
                          dict(MPJPE_mm=least), dict(MPJPE_mm=np.nan))))
        return type('Done', (), dict(returncode=0))

    monkeypatch.setattr(subprocess, 'run', tool)
    project.main([
        '--study', 'mini', '--method', method, '--trials', '3', '--work-dir',
        str(tmp_path), '--cfg-options', 'train_cfg.max_epochs=7'
    ])
    assert ('encoder' in trained) == (method == 'wrapper')
    trained.pop('encoder', None)
    assert sorted(trained) == ['trial000', 'trial001', 'trial002']
    for cfg in trained.values():
        assert cfg.train_cfg.max_epochs == 7
        assert 'context_checkpoint' in cfg.model or method == '2d'
    report = json.loads((tmp_path / f'mini_{method}.json').read_text())
    best = min(
        trained, key=lambda name: trained[name].optim_wrapper.optimizer.lr)
    cfg = trained[best]
    assert report['best']['MPJPE_mm'] == 1e4 * cfg.optim_wrapper.optimizer.lr
    assert report['best']['trial'] == best
    assert report['best']['lr'] == cfg.optim_wrapper.optimizer.lr
    assert report['best']['dropout'] == cfg.model.head.denoiser.dropout


def test_bad_arguments(project, tmp_path, capsys):
    for arguments, message in ((['--lr', '0',
                                 '1'], '--lr'), (['--dropout', '.5',
                                                  '.1'], '--dropout'),
                               (['--context-checkpoint',
                                 str(tmp_path / 'no')], 'there is no file')):
        with pytest.raises(SystemExit):
            project.main(arguments)
        assert message in capsys.readouterr().err
