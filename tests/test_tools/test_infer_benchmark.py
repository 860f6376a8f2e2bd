# Copyright (c) mmdiffpose contributors. All rights reserved.
import json

import cv2
import numpy as np
import pytest


@pytest.fixture
def infer(monkeypatch, request):
    monkeypatch.syspath_prepend(request.config.rootpath / 'tools' /
                                'analysis_tools')
    from benchmarks import infer
    return infer


def test_two_people_walk_back_and_forth(infer):
    track = [
        dict(instances=[dict(track_id=0, keypoints=[[10. * i, 5.]])])
        for i in range(3)
    ]
    places = []
    for frame in range(6):
        one, other = infer.two_people(track, frame)
        assert (one['track_id'], other['track_id']) == (0, 1)
        (x, y), = one['keypoints']
        assert other['keypoints'] == [[x + 300, y]]
        places.append(x)
    assert places == [0, 10, 20, 10, 0, 10]


def test_the_detector_finds_whom_the_file_has_in_its_time(
        infer, monkeypatch, tmp_path):
    now = iter(range(1000))
    monkeypatch.setattr(infer.time, 'thread_time', lambda: next(now) / 1000)
    source, video = infer.make_clip(tmp_path, 3)
    detector = infer.StandIn(milliseconds=9)
    for _ in range(2):
        detector.reset()
        for frame in json.loads(source.read_text())['instance_info']:
            start = next(now)
            keypoints, scores = detector(np.zeros((200, 300, 3), np.uint8))
            # The clock is looked at once at first.
            assert next(now) - start == 1 + 9 + 1
            for i, person in enumerate(frame['instances']):
                np.testing.assert_allclose(keypoints[i], person['keypoints'])
                np.testing.assert_allclose(scores[i],
                                           person['keypoint_scores'])
    assert cv2.VideoCapture(str(video)).get(cv2.CAP_PROP_FRAME_COUNT) == 3


def test_rows_are_of_the_median_run(infer, monkeypatch):
    """Runs of 10 frames; the first one warms up."""
    wall, processor = iter([0, 9, 9, 11, 11, 12, 12,
                            17]), iter([0, 9, 9, 10, 10, 14, 14, 16])
    monkeypatch.setattr(infer.time, 'perf_counter', lambda: next(wall))
    monkeypatch.setattr(infer.time, 'process_time', lambda: next(processor))
    job = infer.Job('drawn', 'clip', {}, 'two people')
    rate, spent = infer.rows_of(job, lambda source: range(10), 'mixste', 3)
    assert (rate['name'], rate['ours'], rate['unit']) == ('infer, drawn', 5,
                                                          'frames/s')
    assert (spent['name'], spent['ours'],
            spent['unit']) == ('infer, drawn, processor', 200, 'ms a frame')
    assert rate['note'] == 'mixste, two people'
