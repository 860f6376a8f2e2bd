# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Videos at an uneven pace, from their time stamps to the files written."""

import csv
import json

import cv2
import numpy as np
import pytest
from people import walkers
from timed_videos import UNEVEN, times_of, write_timed

from mmdiffpose.skeletons import COCO_17
from mmdiffpose.visualization import mp4_writer

MEAN = 13 / (UNEVEN[-1] - UNEVEN[0])
"""Its 14 frames a second."""


class Walker:
    """Finds somebody who walks on from frame to frame, whatever it sees."""
    skeleton = COCO_17

    def reset(self):
        self.joints = iter(walkers(len(UNEVEN)))

    def __call__(self, image, boxes=None):
        return next(self.joints), np.full((1, 17), .8)


@pytest.fixture
def walker(make_inferencer):
    return make_inferencer(detector=Walker())


@pytest.fixture(params=['mkv', 'mp4'])
def video(tmp_path, request):
    return write_timed(tmp_path / f'walk.{request.param}', UNEVEN, clock=1000)


@pytest.mark.parametrize('causal', [False, True])
def test_times_of_the_container_are_those_of_the_files(walker, video, tmp_path,
                                                       causal):
    out = tmp_path / 'out'
    results = list(
        walker(
            str(video),
            pred_out_dir=str(out),
            formats=('json', 'csv', 'trc', 'npz'),
            causal=causal))
    assert len(results) == len(UNEVEN)
    document = json.loads((out / 'walk.json').read_text())
    times = [frame['time'] for frame in document['instance_info']]
    np.testing.assert_allclose(times, UNEVEN, atol=2e-3)
    with (out / 'walk.csv').open(newline='') as file:
        rows = list(csv.DictReader(file))
    assert {float(row['time']) for row in rows} == set(times)
    trc = (out / 'walk_person0.trc').read_text().splitlines()[6:]
    found = [float(line.split('\t')[1]) for line in trc]
    np.testing.assert_allclose(found, UNEVEN, atol=2e-3)
    with np.load(out / 'walk.npz') as content:
        np.testing.assert_allclose(content['times'], UNEVEN, atol=2e-3)
    if not causal:
        assert document['meta_info']['fps'] == pytest.approx(MEAN, rel=.01)
        assert float(trc_rate(out)) == pytest.approx(MEAN, abs=.1)


def trc_rate(folder):
    return (folder / 'walk_person0.trc').read_text().split('\n')[2].split()[0]


@pytest.mark.parametrize('causal', [False, True])
def test_the_animation_keeps_the_videos_time(walker, video, tmp_path, causal):
    list(
        walker(
            str(video),
            vis_out_dir=str(tmp_path / 'out'),
            causal=causal,
            panel_size=100))
    codec, times = times_of(tmp_path / 'out/walk.mp4')
    assert codec == 'h264'
    np.testing.assert_allclose(times, UNEVEN, atol=2e-3)


def test_whoever_stops_early_has_what_was_drawn(walker, video, tmp_path):
    files = []
    results = walker.run(
        str(video),
        walker_options(vis_out_dir=str(tmp_path / 'out'), panel_size=100),
        files)
    for _ in range(5):
        next(results)
    results.close()
    assert files == [tmp_path / 'out/walk.mp4']
    assert len(times_of(files[0])[1]) == 5
    # Nothing half-written; the note says whose the animation is.
    names = sorted(path.name for path in files[0].parent.iterdir())
    assert names == ['.walk.source', 'walk.mp4']


def walker_options(**options):
    from mmdiffpose.apis import InferenceOptions
    return InferenceOptions(**options)


def test_without_pyav(walker, tmp_path, monkeypatch):
    """OpenCV's frames all last as long: slow ones are written again."""
    video = write_timed(tmp_path / 'walk.mp4', UNEVEN)
    monkeypatch.setattr(mp4_writer, 'h264_encoder', lambda: None)
    with pytest.warns(UserWarning, match='browsers do not play.*install av'):
        results = walker(
            str(video), vis_out_dir=str(tmp_path / 'out'), panel_size=100)
        for _ in range(len(UNEVEN)):
            next(results)
        results.close()
    path = tmp_path / 'out/walk.mp4'
    codec, times = times_of(path)
    assert codec == 'mpeg4'
    # The last picture is shown from where its time comes on.
    assert times[-1] == pytest.approx(UNEVEN[-1], abs=1 / MEAN)
    assert cv2.VideoCapture(str(path)).get(cv2.CAP_PROP_FPS) == pytest.approx(
        MEAN, rel=.01)
