# Copyright (c) mmdiffpose contributors. All rights reserved.
import json
import sys
from types import SimpleNamespace

import pytest


@pytest.fixture
def front(monkeypatch, request):
    monkeypatch.syspath_prepend(request.config.rootpath / 'tools' /
                                'analysis_tools')
    import benchmark
    return benchmark


def test_rows_are_printed_and_written(front, monkeypatch, tmp_path, capsys):
    fake = SimpleNamespace(
        __doc__='A measurement.\n\nOf nothing.',
        add_arguments=lambda parser: parser.add_argument(
            '--frames', type=int, default=3),
        run=lambda args: [
            dict(
                name='twice',
                ours=2.,
                reference=1.,
                ratio=2.,
                unit='x',
                note=f'{args.frames} frames')
        ])
    monkeypatch.setitem(sys.modules, 'benchmarks.dataset', fake)
    path = tmp_path / 'rows.json'
    front.main(['dataset', '--frames', '7', '--json', str(path)])
    row, = json.loads(path.read_text())
    assert row == dict(
        name='twice',
        ours=2.,
        reference=1.,
        ratio=2.,
        unit='x',
        note='7 frames')
    assert 'twice' in capsys.readouterr().out


def test_unknown_benchmark(front, capsys):
    with pytest.raises(SystemExit):
        front.main(['nonesuch'])
    assert 'dataset' in capsys.readouterr().err
