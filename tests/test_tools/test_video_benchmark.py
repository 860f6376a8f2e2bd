# Copyright (c) mmdiffpose contributors. All rights reserved.
import argparse

import pytest


@pytest.fixture
def video(monkeypatch, request):
    monkeypatch.syspath_prepend(request.config.rootpath / 'tools' /
                                'analysis_tools')
    from benchmarks import video
    monkeypatch.setattr(video, 'ROWS', (('video-9', 9, 4), ))
    monkeypatch.setattr(video, 'WIDTH', 8)
    monkeypatch.setattr(video, 'WARM_UP', 2)
    return video


def arguments(video):
    parser = argparse.ArgumentParser()
    video.add_arguments(parser)
    return parser.parse_args(
        '--frames 40 --reference-frames 6 --stream-frames 5 --repeats 2 '
        '--lengths 9 --device cpu'.split())


def test_rows(video):
    """The same windows give the same poses, and fewer windows are faster."""
    rows = video.run(arguments(video))
    names = ['video-9', 'video-9-stream-p50', 'video-9-stream-p99']
    assert [row['name'] for row in rows] == names
    assert rows[0]['ratio'] > 2, '8 windows instead of 40'
    for row in rows:
        expected = row['ours'] / row['reference']
        if row['unit'] == 'ms':
            expected = 1 / expected
        assert row['ratio'] == pytest.approx(expected)
    assert rows[1]['ours'] <= rows[2]['ours']


def test_poses_that_differ_are_no_benchmark(video, monkeypatch):
    monkeypatch.setattr(video.CentredWindows, '__call__',
                        lambda self, frame: 1.)
    with pytest.raises(RuntimeError, match='same window differ'):
        video.run(arguments(video))
