# Copyright (c) mmdiffpose contributors. All rights reserved.
import json

import pytest


@pytest.fixture
def front(monkeypatch, request):
    monkeypatch.syspath_prepend(request.config.rootpath / 'tools' /
                                'analysis_tools')
    import benchmark
    return benchmark


SMALL = ('loading', '--batches', '2', '--repeats', '1')


def test_both_ways_are_measured(front, tmp_path):
    out = tmp_path / 'rows.json'
    front.main([*SMALL, '--batch-size', '4', '--json', str(out)])
    rows = {row['name']: row for row in json.loads(out.read_text())}
    samples, process = (rows['loading-samples'],
                        rows['loading-training-process'])
    assert samples['ratio'] == pytest.approx(samples['ours'] /
                                             samples['reference'])
    assert process['ratio'] == pytest.approx(process['reference'] /
                                             process['ours'])


def test_too_few_samples_for_the_batches(front):
    with pytest.raises(ValueError, match='at least 20000 samples.*found'):
        front.main([*SMALL, '--batch-size', '10000'])
