# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Streams: bounded memory and latency, and no knowledge of the future."""

import json
import threading
import weakref

import cv2
import numpy as np
import pytest
from people import paint, walkers

from mmdiffpose.detection.frame_sources import FrameSource
from mmdiffpose.detection.pose2d import Pose2DStage
from mmdiffpose.skeletons import COCO_17


def people_of(results):
    return [result['predictions'][0] for result in results]


def poses_of(results):
    return np.array([people[0]['keypoints'] for people in people_of(results)])


class _Frames:
    """An iterator that knows how many of its frames are still alive."""

    def __init__(self, joints, repeat):
        self.joints, self.repeat = joints, repeat
        self.alive = self.most = 0

    def __iter__(self):
        for number in range(self.repeat * len(self.joints)):
            frame = paint(self.joints[number % len(self.joints)], 320)
            self.alive += 1
            weakref.finalize(frame, self._died)
            self.most = max(self.most, self.alive)
            yield frame
            del frame

    def _died(self):
        self.alive -= 1


@pytest.mark.parametrize('options, most', [
    (dict(), 2),
    (dict(causal=True), 2),
    (dict(causal=True, latency=3, return_vis=True, panel_size=100), 6),
])
def test_frames_are_not_kept(inferencer, joints, options, most):
    frames = _Frames(joints, 2)
    count = 0
    for result in inferencer(iter(frames), **options):
        count += 1
        assert len(result['predictions'][0]) == 1
        del result
    assert count == 2 * len(joints)
    assert frames.most <= most and frames.alive == 0


class _Rereadable(FrameSource):
    """Frames of a file, as it were."""

    def __init__(self, frames):
        super().__init__('rereadable', 'rereadable')
        self._frames = frames

    def frames(self):
        return iter(self._frames)


@pytest.mark.parametrize('repeat', [2, 20])
def test_a_long_file_takes_no_more_memory(inferencer, joints, repeat):
    """Eight frames wait for the detector, and one for whom there was no
    room; one is worked on."""
    frames = _Frames(joints, repeat)
    results = inferencer(_Rereadable(frames), return_vis=True, panel_size=100)
    for count, result in enumerate(results, 1):
        assert len(result['visualization']) == 1
        del result
    assert count == repeat * len(joints)
    assert frames.most <= 11 and frames.alive == 0


def test_who_reads_ahead_stops_with_the_caller(inferencer, joints):
    frames = _Frames(joints, 20)
    results = inferencer(_Rereadable(frames), return_vis=True, panel_size=100)
    next(results)
    results.close()
    assert frames.alive == 0
    assert not [t for t in threading.enumerate() if t.name == 'read_ahead']


def test_streaming_waits_for_its_latency_only(inferencer, joints):
    frames = _Frames(joints, 1)
    read = []

    def counted():
        for number, frame in enumerate(frames):
            read.append(number)
            yield frame

    for result in inferencer(counted(), causal=True, latency=2):
        expected = min(result['frame_id'] + 2, len(joints) - 1)
        assert read[-1] == expected
        assert len(result['predictions'][0]) == 1


def test_streaming_knows_no_more_future_than_it_says(inferencer, clip, joints):
    """Frames after the latency do not change a result."""
    other = [paint(p + 5 * (t > 12), 320) for t, p in enumerate(joints)]
    one, two = (
        poses_of(inferencer(iter(c), causal=True, latency=2))
        for c in (clip, other))
    np.testing.assert_allclose(one[:11], two[:11], atol=1e-6)
    assert np.abs(one[11:14] - two[11:14]).max() > 1e-5
    offline = [poses_of(inferencer(c)) for c in (clip, other)]
    assert np.abs(offline[0][:11] - offline[1][:11]).max() > 1e-5


def test_who_stops_early_has_the_files(inferencer, clip, tmp_path):
    """One image; a stream that is left."""
    image = tmp_path / 'image.png'
    assert cv2.imwrite(str(image), clip[0])
    next(inferencer(str(image), out_dir=str(tmp_path / 'a'), panel_size=100))
    assert (tmp_path / 'a/visualizations/image.png').is_file()
    assert (tmp_path / 'a/predictions/image.json').is_file()
    results = inferencer(
        iter(clip), causal=True, out_dir=str(tmp_path / 'b'), panel_size=100)
    for _ in range(5):
        next(results)
    results.close()
    video = cv2.VideoCapture(str(tmp_path / 'b/visualizations/frames.mp4'))
    assert video.get(cv2.CAP_PROP_FRAME_COUNT) == 5
    document = json.loads((tmp_path / 'b/predictions/frames.json').read_text())
    assert len(document['instance_info']) == 5


def test_a_common_scene_of_a_stream(inferencer):
    """Somebody who is hardly seen for a frame stays where they were."""
    joints = walkers(8, 2, spacing=400)
    clip = [paint(p, 700) for p in joints]
    detector = inferencer.pose2d.model
    see = detector.__call__

    class Blinking:
        skeleton = COCO_17

        def __call__(self, image, boxes=None):
            points, scores = see(image, boxes)
            if detector.calls == 6:
                scores[1, 2:] = 0
            return points, scores

    inferencer._pose2d = Pose2DStage(Blinking())
    people = people_of(
        inferencer(iter(clip), causal=True, root_trajectory=True))
    assert [len(frame) for frame in people] == [2] * 8
    roots = np.array([[p['root'] for p in frame] for frame in people])
    assert np.isfinite(roots).all()
    assert (roots[:, 0, 0] < roots[:, 1, 0]).all()
