# Copyright (c) mmdiffpose contributors. All rights reserved.
"""2D stages: anybody's detector, and MMPose's models."""

# First: its fixes must be in place before anything imports MMPose.
import mmdiffpose  # noqa: F401 isort: skip

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData

from mmdiffpose.detection import pose2d_mmpose
from mmdiffpose.detection.person_tracker import PersonTracker
from mmdiffpose.detection.pose2d import (Detections2D, Pose2DStage,
                                         check_detections)
from mmdiffpose.detection.pose2d_mmpose import (MMDetPeople, MMPosePose2D,
                                                make_pose2d)
from mmdiffpose.detection.track_collector import TrackCollector
from mmdiffpose.skeletons import COCO_17

TOPDOWN = 'mmpose::body_2d_keypoint/'
IMAGE = np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8)
BOXES = np.array([[5, 5, 30, 50], [40, 10, 70, 55]], np.float32)


class Batched:
    """Puts all joints of a person into the middle of their box."""
    skeleton = 'coco'

    def __init__(self):
        self.sizes, self.resets = [], 0

    def reset(self):
        self.resets += 1

    def __call__(self, image, boxes=None):
        return self.batch([image], [boxes])[0]

    def batch(self, images, boxes):
        self.sizes.append(len(images))
        return [(np.repeat((b[:, None, :2] + b[:, None, 2:]) / 2, 17,
                           axis=1), np.ones((len(b), 17))) for b in boxes]


def test_batches_and_boxes():
    model = Batched()
    stage = Pose2DStage(model, lambda image: BOXES[:int(image[0, 0, 0])])
    images = [np.full((4, 4, 3), value, np.uint8) for value in (1, 2, 0, 2, 1)]
    results = list(stage.run(images, batch_size=2))
    assert model.sizes == [2, 2, 1] and model.resets == 1
    assert [len(found.keypoints) for _, found in results] == [1, 2, 0, 2, 1]
    for (frame, _), image in zip(results, images):
        assert frame is image
    np.testing.assert_allclose(results[1][1].keypoints[1, 3], [55, 32.5])


def test_shares_of_the_picture_are_refused():
    """At once; of a detector that says it is surely in pixels, never."""

    places = np.random.default_rng(0).uniform(0, 1, (2, 17, 2))

    class Model:
        skeleton = 'coco'

        def __call__(self, image, boxes=None):
            return places, np.ones((2, 17))

    model = Model()
    with pytest.raises(ValueError, match='Model: expected keyp.*as shares of'):
        next(Pose2DStage(model).run([IMAGE]))
    model.in_pixels = True
    _, found = next(Pose2DStage(model).run([IMAGE]))
    np.testing.assert_allclose(found.keypoints, places, rtol=1e-6)


@pytest.mark.parametrize('result, message', [
    (None, 'NoneType'),
    ((np.zeros((1, 17, 2)), ), 'tuple'),
    ((np.zeros((1, 16, 2)), np.zeros((1, 16))), r'\(1, 16, 2\)'),
    ((np.zeros((1, 17, 2)), np.zeros((2, 17))), r'\(2, 17\)'),
    ((np.zeros((1, 17, 2)), np.zeros((1, 17)), np.zeros(
        (1, 17, 5))), r'mixtures \(1, 17, components, 5\)'),
])
def test_wrong_results(result, message):
    with pytest.raises(ValueError, match=message):
        check_detections(result, COCO_17)


def test_broken_numbers_are_joints_not_seen():
    keypoints = np.ones((1, 17, 2))
    scores = np.full((1, 17), 1.2)
    mixtures = np.ones((1, 17, 2, 5))
    keypoints[0, 3, 0] = np.nan
    scores[0, 4] = np.inf
    mixtures[0, 5, 1, 2] = np.nan
    found = check_detections((keypoints, scores, mixtures), COCO_17)
    assert np.flatnonzero(found.scores[0] == 0).tolist() == [3, 4, 5]
    assert found.scores.max() == 1
    assert np.isfinite(found.keypoints).all()
    assert (found.mixtures[0, 3:6, :, 0] == 0).all()
    nobody = check_detections((np.zeros((0, 17, 2)), np.zeros((0, 17))),
                              COCO_17)
    assert nobody.keypoints.shape == (0, 17, 2)


def test_tracks_have_gaps_and_mixtures():
    collector, tracker = TrackCollector(), PersonTracker()
    rng = np.random.default_rng(0)
    body = rng.uniform(0, 50, (1, 17, 2)).astype(np.float32)
    for frame in range(6):
        people = 0 if frame in (0, 3) else 1
        found = Detections2D(body[:people] + frame,
                             np.full((people, 17), 0.5, np.float32),
                             np.full((people, 17, 2, 5), 2., np.float32))
        collector.add(tracker.update(found.keypoints, found.scores), found)
    track, = collector.tracks((100, 90), COCO_17, 25., 'clip')
    assert collector.num_frames == 6
    assert track.frame_ids.tolist() == [1, 2, 3, 4, 5]
    assert (track.scores[:, 0] > 0).tolist() == [1, 1, 0, 1, 1]
    assert track.mixtures.shape == (5, 17, 2, 5)
    assert (track.track_id, track.fps, track.image_size) == (0, 25., (100, 90))
    np.testing.assert_allclose(track.keypoints[3], body[0] + 4)


class FakeDetector:
    """Boxes as MMDetection's DetInferencer gives them."""

    def __init__(self, boxes):
        self.boxes = boxes

    def __call__(self, image, return_datasamples):
        assert return_datasamples
        count = len(self.boxes)
        found = InstanceData(
            bboxes=torch.as_tensor(self.boxes).reshape(count, 4),
            scores=torch.tensor([0.9, 0.8, 0.7, 0.1])[:count],
            labels=torch.tensor([0, 0, 16, 0])[:count])
        return dict(predictions=[SimpleNamespace(pred_instances=found)])


def test_boxes_of_mmdetection():
    boxes = np.array(
        [[0, 0, 10, 10], [1, 1, 11, 11], [50, 50, 60, 60], [80, 80, 90, 90]],
        np.float32)
    found = MMDetPeople(FakeDetector(boxes), nms_thr=0.3)(IMAGE)
    np.testing.assert_allclose(found, boxes[:1])
    found = MMDetPeople(FakeDetector(boxes), nms_thr=0.9)(IMAGE)
    np.testing.assert_allclose(found, boxes[:2])
    assert MMDetPeople(FakeDetector(boxes[:0]))(IMAGE).shape == (0, 4)


@pytest.fixture
def build(tmp_path):

    def run(text):
        path = tmp_path / 'model.py'
        path.write_text(text)
        config = Config.fromfile(path)
        config.model.test_cfg.flip_test = False
        config.model.backbone.init_cfg = None
        config.dump(path)
        return make_pose2d(str(path), None, 'cpu', 'whole_image')

    return run


def test_heatmap_models_give_mixtures(build, monkeypatch):
    stage = build(f"_base_ = '{TOPDOWN}topdown_heatmap/coco/"
                  "td-hm_mobilenetv2_8xb64-210e_coco-256x192.py'\n")
    assert stage.skeleton is COCO_17
    # A person detector of MMDetection leaves its own scope behind.
    init_default_scope('mmdet')
    MMPosePose2D(stage.model.inferencer)
    whole, = (found for _, found in stage.run([IMAGE]))
    assert whole.keypoints.shape == (1, 17, 2)
    assert whole.mixtures.shape[:2] == (1, 17)
    # One forward pass for the crops of all images, in the right order.
    model = stage.model
    both = model.batch([IMAGE, IMAGE[::-1].copy()], [BOXES, BOXES[:1]])
    assert [len(found.keypoints) for found in both] == [2, 1]
    alone = model(IMAGE, BOXES[1:])
    np.testing.assert_allclose(
        both[0].keypoints[1], alone.keypoints[0], atol=1e-3)
    monkeypatch.setattr(pose2d_mmpose, 'MAX_CROPS', 2)
    apart = model.batch([IMAGE, IMAGE[::-1].copy()], [BOXES, BOXES[:1]])
    for one, other in zip(both, apart):
        np.testing.assert_allclose(one.mixtures, other.mixtures, atol=1e-3)
    nobody = model.batch([IMAGE] * 2, [BOXES[:0]] * 2)
    assert [found.keypoints.shape for found in nobody] == [(0, 17, 2)] * 2
    # A person detector that finds nobody is believed.
    model.people = MMDetPeople(FakeDetector(BOXES[:0]))
    assert len(model(IMAGE).keypoints) == 0


def test_simcc_models_give_scores(build):
    stage = build(f"_base_ = '{TOPDOWN}simcc/coco/"
                  "simcc_mobilenetv2_wo-deconv-8xb64-210e_coco-256x192.py'\n")
    assert isinstance(stage.model, MMPosePose2D)
    found = check_detections(stage.model(IMAGE, BOXES), COCO_17)
    assert found.mixtures is None and found.keypoints.shape == (2, 17, 2)
    width, height = IMAGE.shape[1::-1]
    assert (np.abs(found.keypoints) < 2 * max(width, height)).all()


def test_wrong_names(tmp_path):
    with pytest.raises(FileNotFoundError, match='no Python file'):
        make_pose2d(f'{tmp_path}/nowhere.py:Model')
    with pytest.raises(ValueError, match="attribute 'skeleton'"):
        make_pose2d(print)
    with pytest.raises(ValueError, match='unknown skeleton'):
        make_pose2d(SimpleDetector())


class SimpleDetector:
    skeleton = 'horse'

    def __call__(self, image, boxes=None):
        raise AssertionError('is never called')
