# Copyright (c) mmdiffpose contributors. All rights reserved.
import json

import pytest
import torch

SMALL = '--threads 1 --windows 2 --hypotheses 2 --frames 4 --channels 8 ' \
    '--blocks 1 --repeats 1 --device cpu'


@pytest.fixture
def front(monkeypatch, request):
    monkeypatch.syspath_prepend(request.config.rootpath / 'tools' /
                                'analysis_tools')
    import benchmark
    return benchmark


def test_rows_and_their_equality_check(front, tmp_path):
    path = tmp_path / 'rows.json'
    front.main(['sampling', *SMALL.split(), '--json', str(path)])
    rows = {row['name']: row for row in json.loads(path.read_text())}
    names = [
        f'sampling-diffhpe-{v}{s}' for v in ('wrapper', '2d')
        for s in ('', '-ddim10', '-ddim5')
    ]
    assert list(rows) == names + ['sampling-gcn-vs-transformer']
    for name, row in rows.items():
        assert row['ratio'] == pytest.approx(row['reference'] / row['ours'])
        assert row['ours'] > 0 and row['unit'] == 's/window'
        assert ('after all' in row['note']) == (name in names[::3])


def test_different_poses_are_an_error(front, monkeypatch):
    from benchmarks import sampling
    setting = sampling.Setting(1, 1, 4, 8, 1, 1, '')
    monkeypatch.setattr(sampling, 'build_lifter', broken(sampling))
    with torch.no_grad(), pytest.raises(RuntimeError, match='one step'):
        sampling.measure('2d', setting, 'cpu')


def broken(sampling):
    """A model whose folded layers are those of other weights."""
    build = sampling.build_lifter

    def wrong(*args):
        model = build(*args)
        folded = model.head.denoiser.folded

        def other():
            weight = model.head.denoiser.output1.weight
            weight.data.mul_(1.001)
            rest = folded()
            weight.data.div_(1.001)
            return rest

        model.head.denoiser.folded = other
        return model

    return wrong
