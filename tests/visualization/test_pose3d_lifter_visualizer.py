# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The visualiser that MMPose's inferencer draws with."""

import numpy as np
import pytest
from mmengine.structures import InstanceData
from mmpose.datasets.datasets.utils import parse_pose_metainfo
from mmpose.registry import VISUALIZERS
from mmpose.structures import PoseDataSample

from mmdiffpose.datasets.windows.h36m_metainfo import H36M_METAINFO
from mmdiffpose.visualization.palette import LEFT, RIGHT, UNSEEN


def coordinates():
    """A pose in the inferencer's axes: x to the left, z up, feet at 0."""
    pose = np.zeros((17, 3), np.float32)
    pose[:, 2] = [
        .9, .9, .5, 0, .9, .5, 0, 1.1, 1.4, 1.5, 1.7, 1.4, 1.1, .9, 1.4, 1.1,
        .9
    ]
    pose[[4, 5, 6, 11, 12, 13], 0] = -0.3
    pose[[1, 2, 3, 14, 15, 16], 0] = 0.3
    return pose


def sample(people=1, score=1.):
    instances = InstanceData(
        keypoints=np.repeat(coordinates()[None], people, 0),
        keypoint_scores=np.full((people, 17), score),
        keypoint_std=np.full((people, 17), 0.05),
        hypotheses=np.zeros((people, 2, 17, 3)))
    data = PoseDataSample()
    data.pred_instances = instances
    return data


@pytest.fixture
def visualizer():
    built = VISUALIZERS.build(
        dict(type='mmdiffpose.Pose3dLifterVisualizer', name='test_lifter'))
    built.set_dataset_meta(parse_pose_metainfo(H36M_METAINFO))
    return built


@pytest.fixture
def image():
    return np.full((320, 400, 3), 128, np.uint8)


def draw(visualizer, image, data, **kwargs):
    kwargs = {'draw_gt': False, 'dataset_2d': 'h36m', **kwargs}
    return visualizer.add_datasample('test', image, data, **kwargs)


def test_size_does_not_grow_with_people(visualizer, image):
    shapes = {
        draw(visualizer, image, sample(people)).shape
        for people in (1, 2, 5)
    }
    assert shapes == {(320, 400 + 320, 3)}
    empty = draw(visualizer, image, PoseDataSample())
    assert empty.shape == (320, 720, 3)


def test_shape_of_the_picture_and_everybody_in_it(visualizer):
    portrait = np.full((640, 300, 3), 128, np.uint8)
    drawn = draw(visualizer, portrait, sample(3))
    # MMPose puts a narrower picture between white margins, not stretched.
    assert drawn.shape == (640, 640 + 640, 3)
    assert (drawn[:, :640] != 255).any(-1).sum() == 300 * 640
    cells = [
        drawn[row:row + 320, left:left + 320] for row in (0, 320)
        for left in (640, 960)
    ]
    people = [(cell == LEFT).all(-1).any() for cell in cells]
    assert people == [True, True, True, False]


def test_left_right_and_up(visualizer, image):
    """The person faces the camera, as in the picture beside it."""
    drawn = draw(visualizer, image, sample(), axis_azimuth=90)[:, 400:]
    left = np.nonzero((drawn == LEFT).all(-1))
    right = np.nonzero((drawn == RIGHT).all(-1))
    assert left[1].mean() > right[1].mean() + 30
    # Limbs reach down to the floor, the neck stands on top.
    assert left[0].max() > 200 > 160 > left[0].min()


def test_unsure_joints_are_grey(visualizer, image):
    drawn = draw(visualizer, image, sample(score=0.1))[:, 400:]
    assert (drawn == UNSEEN).all(-1).sum() > 100
    assert not (drawn == LEFT).all(-1).any()


def test_detections_are_drawn_whatever_numpy(visualizer, image):
    """MMPose passes radii as arrays, which new NumPy does not convert."""
    detections = PoseDataSample()
    detections.pred_instances = InstanceData(
        keypoints=np.random.default_rng(0).uniform(50, 250, (1, 17, 2)),
        keypoint_scores=np.ones((1, 17)))
    drawn = draw(visualizer, image, sample(), det_data_sample=detections)
    assert (drawn[:, :400] != image).any()


def test_ground_truth_beside_the_prediction(visualizer, image):
    data = sample()
    data.gt_instances = InstanceData(lifting_target=np.zeros((1, 17, 3)))
    with_truth = draw(visualizer, image, data, draw_gt=True)
    assert with_truth.shape == (320, 720, 3)
    assert (with_truth != draw(visualizer, image, data)).any()


def test_camera_axes_and_others():
    built = VISUALIZERS.build(
        dict(
            type='mmdiffpose.Pose3dLifterVisualizer',
            name='test_camera',
            axes='camera'))
    pose = coordinates()
    camera = np.stack([-pose[:, 0], -pose[:, 2], pose[:, 1]], -1)
    data = sample()
    data.pred_instances.keypoints = camera[None]
    picture = np.zeros((300, 300, 3), np.uint8)
    inferencer = VISUALIZERS.build(
        dict(type='mmdiffpose.Pose3dLifterVisualizer', name='test_other'))
    np.testing.assert_array_equal(
        built._draw_3d_data_samples(picture, data, draw_gt=False),
        inferencer._draw_3d_data_samples(picture, sample(), draw_gt=False))
    with pytest.raises(ValueError, match="got 'z-up'"):
        VISUALIZERS.build(
            dict(
                type='mmdiffpose.Pose3dLifterVisualizer',
                name='test_wrong',
                axes='z-up'))
