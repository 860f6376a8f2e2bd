# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The ablation study: its configs, its cells and its tables."""

import importlib
import json
import subprocess
from pathlib import Path

import pytest
from mmengine.registry import init_default_scope

import mmdiffpose  # noqa: F401
from mmdiffpose.registry import MODELS

PROJECT = Path(__file__).resolve().parents[2] / 'projects/diffpose_ablations'


@pytest.fixture
def project():
    """The study's command."""
    return importlib.import_module('projects.diffpose_ablations.run')


def cell(project, tmp_path, name, seed=0, **metrics):
    """A finished cell with these metrics."""
    from projects.diffpose_ablations.rows import ABLATIONS
    from projects.diffpose_ablations.running import Cell
    made = Cell('hdm05-1', name, ABLATIONS[name], seed, tmp_path)
    made.folder.mkdir(parents=True)
    made.metrics_file('').write_text(json.dumps(metrics))
    return made


def test_every_row_of_every_study_builds_its_model(project):
    from projects.diffpose_ablations.rows import SETUPS, STUDIES, make_config
    init_default_scope('mmpose')
    seen = {
        (setup, name): row
        for parts in STUDIES.values()
        for setup, rows in parts
        for name, row in rows.items()
    }
    assert {setup for setup, _ in seen} == set(SETUPS)
    for (setup, name), row in seen.items():
        if setup == 'hdm05-27':
            continue  # the same changes as hdm05-1
        model = MODELS.build(make_config(SETUPS[setup], row).model)
        head = type(model.head).__name__
        expected = ('SinglePassHead'
                    if name.startswith('baseline') else 'DiffPoseHead')
        assert row.encoder or head == expected, (setup, name)


def test_rows_change_what_their_label_says(project):
    from projects.diffpose_ablations.rows import ABLATIONS, SETUPS, make_config

    def head(name):
        return make_config(SETUPS['mini-27'], ABLATIONS[name]).model.head

    assert head('m1').num_components == 1 and head('m9').num_components == 9
    assert head('k10').num_steps == 10 and head('m5').num_steps == 50
    assert head('stand-diff').start == 'standard'
    assert head('previous').step_exponent == 1 > head('m5').step_exponent
    assert head('previous').target == 'previous'
    assert 'SquaredError' in head('previous').loss.type
    assert head('baseline-a-residual').residual is True
    assert head('baseline-a-absolute').residual is False
    assert head('baseline-b').num_stacks == 5
    # The network is the same in all of them.
    assert len(
        {str(head(name).denoiser)
         for name in ABLATIONS if name != 'encoder'}) == 1


def test_encoders_come_first_and_seeds_are_those_of_the_row(project, tmp_path):
    from projects.diffpose_ablations.rows import TABLE
    cells = project.cells_of('mini-27', TABLE, [3, 4], tmp_path)
    assert [c.name for c in cells[:2]] == ['encoder', 'encoder']
    assert [c.seed for c in cells if c.name == 'm5'] == [3, 4]
    assert [c.seed for c in cells if c.name == 'm1'] == [3]


def test_a_cell_that_is_done_is_not_run_again(project, tmp_path, monkeypatch):
    from projects.common import cells
    done = cell(project, tmp_path, 'm1', MPJPE_mm=50.)
    done.trained.touch()
    (done.folder / 'best_x.pth').touch()
    monkeypatch.setattr(subprocess, 'run',
                        lambda *a, **k: pytest.fail('a finished cell was run'))
    cells.run_cell(done, 1, {})
    done.metrics_file('').unlink()
    with pytest.raises(pytest.fail.Exception):
        cells.run_cell(done, 1, {})


def test_the_table_averages_seeds_and_compares_seed_by_seed(project, tmp_path):
    cells = [
        cell(project, tmp_path, 'encoder', 0, MPJPE_mm=100.),
        cell(project, tmp_path, 'encoder', 1, MPJPE_mm=50.),
        cell(project, tmp_path, 'm5', 0, MPJPE_mm=90.),
        cell(project, tmp_path, 'm5', 1, MPJPE_mm=45.),
        cell(project, tmp_path, 'm1', 0, MPJPE_mm=95.),
    ]
    rows = project.main_table(project.main_rows(cells)).splitlines()
    by_label = {row.split(' | ')[0].strip('| '): row for row in rows[2:]}
    assert '| 2 | 75.0 ± 35.4 |' in by_label['context encoder']
    assert by_label['DiffPose, M = 5'].endswith('| -10.0 % |')
    assert by_label['DiffPose, M = 1'].endswith('| -5.0 % |')
    assert '| 1 | 95.0 | – |' in by_label['DiffPose, M = 1']


def test_sweeps_take_the_first_seed_and_leave_open_what_is_not_done(
        project, tmp_path):
    cells = [
        cell(project, tmp_path, 'm5', 0, MPJPE_mm=50.),
        cell(project, tmp_path, 'm5', 1, MPJPE_mm=60.),
        cell(project, tmp_path, 'k10', 0, MPJPE_mm=55.),
    ]
    report = project.report_ablations(cells, tmp_path)
    assert report['K'] == {10: 55., 25: None, 50: 50., 100: None}
    assert report['M'] == {1: None, 5: 50., 9: None}
    text = project.sweeps_as_markdown(report)
    assert '| MPJPE | 55.0 | – | 50.0 | – |' in text


def test_plots_are_written(project, tmp_path):
    from projects.diffpose_ablations.plots import plot_speed, plot_sweeps
    curves = {name: ([1, 5, 9], [52., 50., 49.]) for name in 'MKN'}
    for path in (plot_sweeps(curves, {'encoder': 55.}, tmp_path / 'a.png'),
                 plot_speed({'ddim-5': (100., 50.)}, tmp_path / 'b.png')):
        assert path.stat().st_size > 5000


def test_unknown_rows_are_refused(project):
    from projects.diffpose_ablations.rows import TABLE
    with pytest.raises(ValueError, match='m7'):
        project.select(TABLE, ['m7'])
    assert set(project.select(TABLE, ['m5'])) == {'encoder', 'm5'}
