# Copyright (c) mmdiffpose contributors. All rights reserved.
import argparse
import json
from types import SimpleNamespace

import pytest


@pytest.fixture
def long(monkeypatch, request):
    monkeypatch.syspath_prepend(request.config.rootpath / 'tools' /
                                'analysis_tools')
    from benchmarks import long
    return long


def arguments(long, *given):
    parser = argparse.ArgumentParser()
    long.add_arguments(parser)
    return parser.parse_args(given)


def test_what_was_measured_is_not_measured_again(long, monkeypatch, tmp_path):
    asked, kept = [], tmp_path / 'long.json'

    def run(command, **_):
        asked.append(tuple(command[2:]))
        if len(asked) == 3:
            return SimpleNamespace(returncode=1, stderr='out of memory')
        size = int(command[-1])
        found = dict(size=size, microseconds=1e3 / size, bytes=8.)
        return SimpleNamespace(returncode=0, stdout=f'x\n{json.dumps(found)}')

    monkeypatch.setattr(long.subprocess, 'run', run)
    args = arguments(long, '--model', 'm', '--cases', 'tracks', '--scale',
                     '.016', '--keep', str(kept))
    with pytest.raises(ValueError, match='m tracks 160: out of memory'):
        long.run(args)
    assert sorted(json.loads(
        kept.read_text())) == ['m tracks 10', 'm tracks 40']
    rows = long.run(args)
    assert asked == [('tracks', 'm', n) for n in ('10', '40', '160', '160')]
    assert [(row['ours'], row['reference'], row['ratio'])
            for row in rows] == [(6.25, 100, 16), (8, 8, 1)]
    assert long.run(args) == rows and len(asked) == 4


def test_both_forms_of_keypoints_are_the_same_track(long, tmp_path):
    from mmdiffpose.apis import read_keypoint_tracks
    track = long.make_track(5)
    found = []
    for name in ('a.json', 'a.npz'):
        long.write_keypoints(track, tmp_path / name)
        found += read_keypoint_tracks(tmp_path / name)
    for read in found:
        assert len(read) == 5 and read.fps == long.FPS
        assert abs(read.keypoints - track.keypoints).max() < .006
        assert read.image_size == track.image_size
