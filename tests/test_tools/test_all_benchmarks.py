# Copyright (c) mmdiffpose contributors. All rights reserved.
import argparse
from contextlib import contextmanager

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


@pytest.fixture
def parts(package, monkeypatch):
    """Three benchmarks, one of which fails; and what they were told."""
    monkeypatch.setattr(package.all, 'QUICK',
                        dict(gmm='--steps 3', infer='', zoo='--long'))
    told = []

    def run_there(script, root, arguments):
        told.append(arguments)
        assert script.name == 'benchmark.py' and (root / 'setup.cfg').is_file()
        if arguments[0] == 'infer':
            raise package.all.BenchmarkError(root, 'Traceback\nKeyError: y')
        return [dict(name=arguments[0])]

    def where_needed(script, root, other, revision, rounds, arguments):
        told.append((other, revision, rounds))
        return run_there(script, root, arguments)

    @contextmanager
    def checkout(root, revision):
        yield f'files of {revision}'

    for name, function in dict(
            run_there=run_there, where_needed=where_needed,
            checkout=checkout).items():
        monkeypatch.setattr(package.all, name, function)
    return told


def measured(package, *argv, against=None):
    args = parsed(package.all, *argv)
    args.against, args.rounds = against, 2
    return package.all.run(args)


def test_one_that_fails_does_not_stop_the_others(package, parts):
    gmm, failed, zoo = measured(package)
    assert (gmm['name'], failed['name'], zoo['name']) == ('gmm', 'infer',
                                                          'zoo')
    assert failed['note'] == 'not measured: KeyError: y'
    assert failed['ours'] is failed['ratio'] is None
    assert parts == [['gmm', '--steps', '3'], ['infer'], ['zoo', '--long']]


def test_defaults_and_a_choice(package, parts):
    assert len(measured(package, '--full', '--only', 'zoo')) == 1
    assert parts == [['zoo']]


def test_all_compare_with_one_checkout(package, parts):
    rows = measured(package, '--only', 'gmm', 'infer', against='v1')
    assert [row['name'] for row in rows] == ['gmm', 'infer']
    told = ('files of v1', 'v1', 2)
    assert parts == [told, ['gmm', '--steps', '3'], told, ['infer']]


def test_cost_curves(package, monkeypatch, tmp_path):
    """Two milliseconds a hypothesis, one a frame."""
    now = [0.]
    monkeypatch.setattr(package.costs.time, 'process_time', lambda: now[0])

    def job(axis, value, frames):
        return lambda: now.__setitem__(
            0, now[0] + value * dict(hypotheses=2e-3, frames=1e-3)[axis])

    monkeypatch.setattr(package.costs, 'job', job)
    path = tmp_path / 'costs.png'
    rows = package.costs.run(
        parsed(package.costs, '--axes', 'hypotheses', 'frames', '--frames',
               '70', '--out', str(path)))
    found = {row['name']: row['ours'] for row in rows}
    assert found['cost-hypotheses-50'] == pytest.approx(100)
    assert found['cost-frames-125'] == pytest.approx(125)
    assert len(found) == 10
    assert rows[0]['note'].startswith('hypotheses N, 70 frames')
    assert Image.open(path).size[0] > 300
