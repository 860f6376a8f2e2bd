# Copyright (c) mmdiffpose contributors. All rights reserved.
import json
from types import SimpleNamespace

import pytest


@pytest.fixture
def front(monkeypatch, request):
    monkeypatch.syspath_prepend(request.config.rootpath / 'tools' /
                                'analysis_tools')
    import benchmark
    return benchmark


ROW = dict(name='twice', ours=2., reference=1., ratio=2., unit='x', note='')


def fake(rows):
    return SimpleNamespace(
        __doc__='A measurement.',
        add_arguments=lambda parser: parser.add_argument(
            '--frames', type=int, default=3),
        run=lambda args: [dict(row, note=f'[{args.frames}]') for row in rows])


def test_rows_are_printed_and_written(front, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(front, 'load_benchmarks', lambda: dict(a=fake([ROW])))
    rows = front.main(
        ['a', '--frames', '7', '--json',
         str(tmp_path / 'rows.json')])
    assert rows == [dict(ROW, note='[7]')]
    assert json.loads((tmp_path / 'rows.json').read_text()) == rows
    printed = capsys.readouterr().out
    assert 'twice' in printed and '[7]' in printed


def test_finds_the_benchmarks(front):
    assert 'dataset' in front.load_benchmarks()


def test_unknown_benchmark(front, capsys):
    with pytest.raises(SystemExit):
        front.main(['nonesuch'])
    assert 'dataset' in capsys.readouterr().err
