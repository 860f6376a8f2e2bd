# Copyright (c) mmdiffpose contributors. All rights reserved.
import argparse

import pytest


@pytest.fixture
def zoo(monkeypatch, request):
    monkeypatch.syspath_prepend(request.config.rootpath / 'tools' /
                                'analysis_tools')
    from benchmarks import zoo
    return zoo


def arguments(zoo, text):
    parser = argparse.ArgumentParser()
    zoo.add_arguments(parser)
    return parser.parse_args(text.split())


def test_rows_of_the_preset(zoo):
    rows = zoo.run(
        arguments(zoo, '--only diffpose --frames 54 --hypotheses 2 '
                  '--repeats 1'))
    assert [row['name'] for row in rows] == [
        'zoo-diffpose-sampling', 'zoo-diffpose', 'zoo-diffpose-encoder'
    ]
    for row in rows:
        assert row['ratio'] == pytest.approx(row['ours'] / row['reference'])
    # The head alone is faster than with all that is around it.
    assert rows[0]['ours'] > rows[1]['ours'] == rows[2]['ours']


def test_less_memory_than_the_limit_is_better(zoo, monkeypatch):

    class Pool:

        def __init__(self, *_, **__):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def submit(self, function, *given):
            assert function is zoo.peak_memory and given == (30, 4)
            return argparse.Namespace(result=lambda: 0.75)

    monkeypatch.setattr(zoo, 'ProcessPoolExecutor', Pool)
    row, = zoo.run(arguments(zoo, '--only memory --long 30 4'))
    assert (row['ours'], row['reference'], row['ratio']) == (0.75, 1.5, 2)
