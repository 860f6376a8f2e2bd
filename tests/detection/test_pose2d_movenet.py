# Copyright (c) mmdiffpose contributors. All rights reserved.
"""MoveNet follows people; where its file is there, the real ones."""

import numpy as np
import pytest

from mmdiffpose.detection import pose2d_movenet
from mmdiffpose.detection.frame_sources import open_frames
from mmdiffpose.detection.person_tracker import PersonTracker
from mmdiffpose.detection.pose2d import Pose2DStage
from mmdiffpose.skeletons import COCO_17

BODY = np.random.default_rng(0).uniform([-25, -60], [25, 60], (17, 2))


class Scene:
    """Stands in for the network: sees whoever is nearest to the middle.

    A person is a bright square in the picture; who is covered isn't there.
    """

    def __init__(self, monkeypatch):
        self.looks = 0
        monkeypatch.setattr(pose2d_movenet, '_open', lambda path, threads:
                            (self, 64, np.float32))
        self.net = pose2d_movenet.MoveNet('none')
        self.net._see = self.see

    def see(self, image, square):
        self.looks += 1
        joints = np.zeros((17, 3))
        rows, columns = np.nonzero(image[..., 0] == 255)
        for y, x in sorted(
                zip(rows, columns),
                key=lambda p: np.hypot(p[1] - square.x, p[0] - square.y)):
            person = np.c_[BODY + [x, y], np.full(17, 0.8)]
            inside = np.abs(person[:, :2] - [square.x, square.y]).max()
            if inside < square.side / 2 and square.side < 500:
                return person
        return joints


def picture(*people, width=640, height=240):
    image = np.full((height, width, 3), 50, np.uint8)
    for x, y in people:
        image[y, x] = 255
    return image


def test_squares():
    square = pose2d_movenet.Square.around(np.array([10, 20, 50, 100]))
    assert square[:2] == (30, 60) and square.side == pytest.approx(100)
    corners = np.array([[0, 0, 0.5], [1, 1, 0.5]])
    np.testing.assert_allclose(
        square.to_image(corners), [[-20, 10, 0.5], [80, 110, 0.5]])
    image = np.zeros((200, 200, 3), np.uint8)
    image[60:64, 30:34] = 255
    patch = square.cut(image, 50)
    assert patch.shape == (50, 50, 3)
    assert patch[25:27, 25:27].min() > 200 and patch[:, :23].max() == 0


def test_two_people_are_found_and_followed(monkeypatch):
    scene = Scene(monkeypatch)
    stage = Pose2DStage(scene.net)
    frames = [
        picture((100 + 3 * t, 120), (500 - 3 * t, 120)) for t in range(40)
    ]
    tracker, ids = PersonTracker(), []
    for number, (_, found) in enumerate(stage.run(frames)):
        assert len(found.keypoints) == 2
        ids.append(tracker.update(found.keypoints, found.scores))
        left = found.keypoints[ids[-1] == 0].mean((0, 1))
        np.testing.assert_allclose(
            left, [100 + 3 * number, 120] + BODY.mean(0), atol=1e-3)
    assert {tuple(sorted(row)) for row in ids} == {(0, 1)}
    # Two looks a frame once both are known.
    assert scene.looks < 2 * 40 + 30


def test_who_goes_is_lost_and_who_comes_is_found(monkeypatch):
    scene = Scene(monkeypatch)
    counts = []
    for t in range(30):
        people = [(100, 120)] * (t < 15) + [(450, 120)] * (t >= 5)
        counts.append(len(scene.net(picture(*people)).keypoints))
    assert counts[:5] == [1] * 5
    assert counts[10:15] == [2] * 5  # the search of every tenth frame
    assert counts[15:] == [1] * 15
    scene.net.reset()
    assert len(scene.net(picture()).keypoints) == 0


def test_boxes_of_a_person_detector(monkeypatch):
    scene = Scene(monkeypatch)
    boxes = np.array([[70, 60, 130, 180], [470, 60, 530, 180]])
    found = scene.net(picture((100, 120), (500, 120)), boxes)
    assert found.keypoints.shape == (2, 17, 2) and scene.looks == 2
    assert scene.net(picture(), boxes[:0]).keypoints.shape == (0, 17, 2)


def test_missing_file(tmp_path):
    pytest.importorskip('onnxruntime')
    with pytest.raises(FileNotFoundError, match='none.onnx'):
        pose2d_movenet.MoveNet(tmp_path / 'none.onnx')


def test_real_people(shared_dir):
    """Somebody on a wall with their arms up, and somebody walking in."""
    pytest.importorskip('onnxruntime')
    weights = shared_dir / 'models/movenet_thunder.onnx'
    video = shared_dir / 'data/video/sports2d_demo.mp4'
    for path in (weights, video):
        if not path.is_file():
            pytest.skip(f'{path} does not exist')
    net = pose2d_movenet.MoveNet(weights, threads=1)
    image = list(open_frames(video, 61))[60]
    found = net(image)
    assert len(found.keypoints) == 2 and found.scores.mean() > 0.5
    order = np.argsort(found.keypoints[..., 0].mean(1))
    left, right = found.keypoints[order]
    nose, ankles = COCO_17.index['nose'], [15, 16]
    for person in (left, right):
        assert person[nose, 1] < person[ankles, 1].min(), 'upright'
    assert net.size == 256
    assert 550 < left[:, 0].mean() < 750 < 1250 < right[:, 0].mean() < 1550
