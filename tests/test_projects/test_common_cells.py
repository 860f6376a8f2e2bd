# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What the studies share."""

import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from mmengine.config import Config


@pytest.fixture
def cells(monkeypatch):
    from projects.common import cells
    return cells


@pytest.fixture
def cell(cells, tmp_path):

    @dataclass(frozen=True)
    class Cell(cells.StudyCell):
        seed: int = 4
        title = 'a cell'
        folder = tmp_path / 'cell'
        tests = {'': {}}

        def config(self):
            return Config(dict(randomness=dict(seed=0), lr=1))

    return Cell()


def ending_with(code, monkeypatch, cells):

    def tool(command, stdout, **kwargs):
        stdout.write('the last line\n')
        stdout.flush()
        return type('Done', (), dict(returncode=code))

    monkeypatch.setattr(subprocess, 'run', tool)


def test_overrides_and_the_seed_are_in_the_cells_config(
        cells, cell, monkeypatch):
    ending_with(1, monkeypatch, cells)
    with pytest.raises(RuntimeError, match='the last line'):
        cells.run_cell(cell, 1, dict(lr=2))
    cfg = Config.fromfile(cell.folder / 'config.py')
    assert cfg.lr == 2 and cfg.randomness.seed == 4
    assert not cell.trained.exists()


def test_a_training_that_is_stopped_has_not_failed(cells, cell, monkeypatch):
    ending_with(-signal.SIGINT, monkeypatch, cells)
    with pytest.raises(KeyboardInterrupt, match='a cell: train.py'):
        cells.run_cell(cell, 1, {})
    assert not cell.trained.exists()


def test_no_test_changes_what_the_next_one_is_run_with(cells, cell,
                                                       monkeypatch):
    """MMEngine's runner writes its changed config to its work folder."""
    found = {}

    def tool(command, **kwargs):
        config = Config.fromfile(command[2])
        work_dir = Path(command[command.index('--work-dir') + 1])
        work_dir.mkdir(exist_ok=True)
        if Path(command[1]).name == 'train.py':
            (cell.folder / 'best_x.pth').touch()
        else:
            out = Path(command[command.index('--out') + 1])
            found[out.name] = config.get('flip', False)
            out.write_text('{}')
            if '--cfg-options' in command:
                config.flip = True
        config.dump(work_dir / 'config.py')
        return type('Done', (), dict(returncode=0))

    monkeypatch.setattr(subprocess, 'run', tool)
    monkeypatch.setattr(
        type(cell), 'tests', {
            '': {},
            'flip': {
                'flip': True
            },
            'n': {
                'n': 20
            }
        })
    cells.run_cell(cell, 1, {})
    assert found == {
        'metrics.json': False,
        'metrics-flip.json': False,
        'metrics-n.json': False
    }


@pytest.mark.parametrize('jobs', [1, 2])
def test_after_an_error_no_other_call_begins(cells, jobs):
    begun = []

    def function(item):
        begun.append(item)
        if item == 2:
            raise RuntimeError('two')

    with pytest.raises(RuntimeError, match='two'):
        cells.in_threads(function, range(50), jobs)
    assert len(begun) < 50 and (jobs > 1 or begun == [0, 1, 2])


def test_changes_become_options(cells):
    options = cells.as_options({'a.b': 1, 'model': dict(x=dict(y=False))})
    assert options == ['a.b=1', 'model.x.y=False']


def test_means_and_reports(monkeypatch, tmp_path, capsys):
    from projects.common.reports import mean_text, write_report
    assert mean_text([]) == mean_text([None]) == '–'
    assert mean_text([2.]) == '2.0'
    assert mean_text([1., None, 3.], 2) == '2.00 ± 1.41'
    write_report(tmp_path / 'new' / 'table.one', 'text\n\n', dict(a=None))
    assert (tmp_path / 'new' / 'table.one.md').read_text() == 'text\n'
    assert '"a": null' in (tmp_path / 'new' / 'table.one.json').read_text()
    assert 'text' in capsys.readouterr().out
