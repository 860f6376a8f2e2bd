# Copyright (c) mmdiffpose contributors. All rights reserved.
import argparse

import pytest

from mmdiffpose.models.layers import fast_linear


@pytest.fixture
def train(monkeypatch, request):
    monkeypatch.syspath_prepend(request.config.rootpath / 'tools' /
                                'analysis_tools')
    from benchmarks import train
    return train


def test_rows_of_a_revision(train, monkeypatch, tmp_path):
    """The first config that the revision has, float32 before bfloat16."""
    monkeypatch.setattr(train, 'CONFIGS', tmp_path)
    (tmp_path / 'mixste_mini-27.py').touch()
    told = []

    def steps(file, folder, number, watch, amp=False, **loader):
        told.append((file.name, number, amp, loader))
        for step in range(number):
            watch(step, 5. - step)

    seconds = iter([0, 9, 9, 9.5, 10., 10.5, 0, 9, 9, 9.25, 9.5, 9.75])
    monkeypatch.setattr(train, 'train', steps)
    monkeypatch.setattr(train.time, 'process_time', lambda: next(seconds))
    parser = argparse.ArgumentParser()
    train.add_arguments(parser)
    rows = train.run(
        parser.parse_args('--models zoo-mixste --amp --steps 3 '
                          '--batch-size 8'.split()))
    loader = dict(batch_size=8, num_workers=0, persistent_workers=False)
    assert told == [('mixste_mini-27.py', 6, amp, loader)
                    for amp in (False, True)]
    assert [(row['name'], row['ours'], row['reference'], row['ratio'])
            for row in rows] == [('train-zoo-mixste', 2, None, None),
                                 ('train-zoo-mixste-bf16', 4, 2, 2)]
    assert 'loss after them 0.000000 0.000000 in bfloat16' in rows[0]['note']


@pytest.mark.parametrize('name', ['mixste', 'diffpose'])
def test_a_loss_curve_is_the_same_by_either_library(train, monkeypatch,
                                                    tmp_path, name):
    curves = []
    for number, faster in enumerate((False, True)):
        monkeypatch.setattr(fast_linear, 'onednn_is_faster', lambda: faster)
        losses = []
        folder = tmp_path / str(number)
        folder.mkdir()
        train.train(
            train.config_of(name),
            folder,
            4,
            lambda step, loss: losses.append(loss),
            batch_size=4,
            num_workers=0,
            persistent_workers=False)
        curves.append(losses)
    assert len(curves[0]) == 4 and len(set(curves[0])) == 4
    assert curves[1] == pytest.approx(curves[0], rel=1e-4)
