# Copyright (c) mmdiffpose contributors. All rights reserved.
import argparse
import sys

import pytest


@pytest.fixture
def dataset_benchmark(monkeypatch, request):
    monkeypatch.syspath_prepend(request.config.rootpath / 'tools' /
                                'analysis_tools')
    from benchmarks import dataset
    return dataset


@pytest.mark.skipif(
    not sys.platform.startswith('linux'), reason='reads /proc/self/status')
def test_long_windows_cost_no_more_than_the_frames(tmp_path,
                                                   dataset_benchmark):
    """200,000 windows of 243 frames take at most 1.3 times the arrays."""
    parser = argparse.ArgumentParser()
    dataset_benchmark.add_arguments(parser)
    args = parser.parse_args(['--samples', '100', '--repeats', '1'])
    assert (args.frames, args.seq_len) == (200_000, 243)
    dataset_benchmark.write_files(tmp_path, args.frames)
    result = dataset_benchmark.measure(str(tmp_path), 'ours', args)
    assert result['raw'] == 200_000 * 17 * (2 + 1 + 3) * 4
    assert result['raw'] / result['resident'] >= 0.77
    assert result['samples_per_second'] > 100


@pytest.mark.skipif(
    not sys.platform.startswith('linux'), reason='reads /proc/self/status')
def test_drawn_views_hold_the_motions_once(tmp_path, dataset_benchmark):
    """A million windows take the motions and some 20 MB beside them."""
    raw = dataset_benchmark.write_motions_file(tmp_path)
    args = argparse.Namespace(seq_len=9, samples=300, repeats=1)
    result = dataset_benchmark.measure(str(tmp_path), 'views', args)
    assert raw > 25e6
    assert result['resident'] < raw + 20e6
    assert result['samples_per_second'] > 0
