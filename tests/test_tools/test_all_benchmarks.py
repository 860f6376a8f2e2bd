# Copyright (c) mmdiffpose contributors. All rights reserved.
import argparse
import sys
from types import SimpleNamespace

import pytest
from PIL import Image


@pytest.fixture
def package(monkeypatch, request):
    monkeypatch.syspath_prepend(request.config.rootpath / 'tools' /
                                'analysis_tools')
    import benchmarks.all
    import benchmarks.costs
    return benchmarks


def parsed(module, *argv):
    parser = argparse.ArgumentParser()
    module.add_arguments(parser)
    return parser.parse_args(argv)


def test_short_runs_use_arguments_that_there_are(package):
    import importlib
    for name, options in package.all.QUICK.items():
        parsed(importlib.import_module(f'benchmarks.{name}'), *options.split())


def test_what_a_revision_lacks_is_left_out(package, monkeypatch, capsys):

    def fake(*names):
        return SimpleNamespace(
            add_arguments=lambda parser: parser.add_argument(
                '--steps', type=int, default=100),
            run=lambda args: [f'{name} {args.steps}' for name in names])

    def absent(args):
        raise ImportError('no such package yet')

    monkeypatch.setattr(package.all, 'QUICK',
                        dict(gmm='--steps 3', infer='--steps 4', zoo=''))
    for name, module in dict(
            gmm=fake('a', 'b'), infer=fake('c'), zoo=fake()).items():
        monkeypatch.setitem(sys.modules, f'benchmarks.{name}', module)
    sys.modules['benchmarks.zoo'].run = absent
    assert package.all.run(parsed(package.all)) == ['a 3', 'b 3', 'c 4']
    assert 'zoo: not measured: ImportError' in capsys.readouterr().err
    assert package.all.run(parsed(package.all, '--full', '--only',
                                  'infer')) == ['c 100']
    with pytest.raises(ValueError, match='nothing could be measured'):
        package.all.run(parsed(package.all, '--only', 'zoo'))


def test_cost_curves(package, monkeypatch, tmp_path):
    """Two milliseconds a hypothesis, one a frame."""
    now = [0.]
    monkeypatch.setattr(package.costs.time, 'process_time', lambda: now[0])

    def job(axis, value):
        return lambda: now.__setitem__(
            0, now[0] + value * dict(hypotheses=2e-3, frames=1e-3)[axis])

    monkeypatch.setattr(package.costs, 'job', job)
    path = tmp_path / 'costs.png'
    rows = package.costs.run(
        parsed(package.costs, '--axes', 'hypotheses', 'frames', '--out',
               str(path)))
    found = {row['name']: row['ours'] for row in rows}
    assert found['cost-hypotheses-50'] == pytest.approx(100)
    assert found['cost-frames-125'] == pytest.approx(125)
    assert len(found) == 10
    assert Image.open(path).size[0] > 300
