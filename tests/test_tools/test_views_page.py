# Copyright (c) mmdiffpose contributors. All rights reserved.
"""hdm05-views of the zoo: kept per weights, and its tables."""
import json
from types import SimpleNamespace

import pytest
from mini_motions import write_mini_motions

from mmdiffpose.checkpoints import model_zoo


@pytest.fixture
def page(monkeypatch, request):
    monkeypatch.syspath_prepend(request.config.rootpath / 'tools' /
                                'analysis_tools')
    from reporting import views_page
    return views_page


def row(factor, value, mpjpe, **others):
    figures = {
        'MPJPE': mpjpe,
        'P-MPJPE': 40.,
        'N-MPJPE': 60.,
        'depth': 50.,
        'plane': 30.,
        'knee': -2.4,
        '90 % x': .9,
        '90 % y': .85,
        '90 % z': .456
    }
    return dict(factor=factor, value=value, **{**figures, **others})


def zoo(monkeypatch, **hashes):
    models = [
        SimpleNamespace(
            name=name,
            label=name[0],
            sha256=sha256,
            metadata={'Superseded By': 'b'} if name == 'alpha' else {})
        for name, sha256 in hashes.items()
    ]
    monkeypatch.setattr(model_zoo, 'list_models', lambda: models)


def test_tables(page, monkeypatch, tmp_path):
    zoo(monkeypatch, alpha='1', beta='2')
    stored = dict(
        beta=dict(sha256='2', rows=[row('scale', .75, 101.4)]),
        alpha=dict(
            sha256='1',
            rows=[row('scale', .75, 99.6),
                  row('pitch', 30., 88.8)]))
    path = tmp_path / 'views.json'
    page.write_views(stored, path)
    assert json.loads(path.read_text()) == stored
    document = tmp_path / 'views.md'
    document.write_text('\n'.join(('Head', *page.MARKERS, 'Foot')))
    text = page.views_document(document, page.read_views(path))
    assert text.startswith('Head') and text.endswith('Foot')
    assert '| varied | value | `a` | `b` |' in text
    assert '| scale | 0.75 | 100 | 101 |' in text
    assert '| pitch | 30.0 | 89 | - |' in text
    # 60 mm of a body of three quarters are 80 of a usual one.
    assert '| scale | 0.75 | 80 | 80 |' in text
    assert '| pitch | 30.0 | 60 | - |' in text
    assert '| scale | 0.75 | 90, 85, 46 | 90, 85, 46 |' in text
    assert '| pitch | 30.0 | -2 | - |' in text
    assert page.rows_of_zoo(stored)[1] == ['a']


def test_figures_of_other_weights_go(page, monkeypatch):
    zoo(monkeypatch, alpha='new')
    stored = dict(alpha=dict(sha256='old', rows=[row('pitch', 0., 1.)]))
    assert page.current(stored) == {}


def test_models_are_measured_once(page, monkeypatch, tmp_path, capsys):
    motions = tmp_path / 'motions.npz'
    path = tmp_path / 'views.json'
    assert page.measure_views(['mixste'], motions, path) == []
    assert 'there is no' in capsys.readouterr().out
    write_mini_motions(motions)
    measure = dict(windows=2, factors=('roll', ), subjects=('mini/S1', ))
    assert page.measure_views(['mixste'], motions, path, **measure) == []
    stored = page.read_views(path)
    (measured, ) = stored.values()
    assert [r['value'] for r in measured['rows']] == [0., 10., 20., 30.]
    monkeypatch.setattr(page, 'run', None)  # must not be called again
    assert page.measure_views(['mixste'], motions, path, **measure) == []
    page.draw_views(stored, tmp_path / 'views.png')
    assert (tmp_path / 'views.png').read_bytes()[:4] == b'\x89PNG'
