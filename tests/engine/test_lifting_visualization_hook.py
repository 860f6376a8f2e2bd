# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Pictures of predictions reach files and MMEngine's backends."""
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData
from mmpose.structures import PoseDataSample

from mmdiffpose.engine import LiftingVisualizationHook
from mmdiffpose.engine.lifting_visualization_hook import draw_sample
from mmdiffpose.skeletons import H36M_17
from mmdiffpose.visualization.window_picture import SIDE


def sample(lean=0., frames=5, valid=None):
    """A person of one line per limb, the prediction leaning to one side."""
    rng = np.random.default_rng(0)
    pose = rng.normal(0, .25, (17, 3))
    pose -= pose[:1]
    truth = np.tile(pose, (frames, 1, 1))
    made = PoseDataSample(
        metainfo=dict(clip='Walk', subject='S1', frame_ids=np.arange(frames)))
    made.gt_instances = InstanceData(
        lifting_target=truth,
        lifting_target_visible=np.ones((frames, 17)),
        valid_frames=np.ones(frames, bool) if valid is None else valid)
    made.gt_instance_labels = InstanceData(
        keypoint_labels=torch.tensor(truth[..., :2]),
        keypoint_labels_visible=torch.ones(frames, 17))
    made.pred_instances = InstanceData(keypoints=truth + lean * truth)
    return made


def test_prediction_and_truth_are_drawn_alike_and_apart():
    panels = np.split(draw_sample(sample(), H36M_17), 5, axis=1)
    assert panels[0].shape == (SIDE, SIDE, 3)
    # Below the titles a perfect prediction looks like the truth.
    for one, other in ((1, 2), (3, 4)):
        np.testing.assert_array_equal(panels[one][30:], panels[other][30:])
    panels = np.split(draw_sample(sample(.4), H36M_17), 5, axis=1)
    assert (panels[1][30:] != panels[2][30:]).any()
    assert (panels[1][30:] != panels[3][30:]).any()


def test_without_truth_or_frames_there_is_less():
    made = sample()
    del made.gt_instances.lifting_target
    assert draw_sample(made, H36M_17).shape == (SIDE, 3 * SIDE, 3)
    nothing = sample(valid=np.zeros(5, bool))
    assert draw_sample(nothing, H36M_17) is None


@pytest.mark.parametrize('batches, size, number', [(4, 3, 8), (10, 2, 3),
                                                   (1, 2, 8)])
def test_as_many_windows_as_asked_for(batches, size, number, tmp_path):
    added = []
    runner = SimpleNamespace(
        epoch=2,
        visualizer=SimpleNamespace(
            add_image=lambda name, image, step: added.append((name, step))))
    runner.val_loop = SimpleNamespace(
        dataloader=range(batches), evaluator=SimpleNamespace(dataset_meta={}))
    hook = LiftingVisualizationHook(number, str(tmp_path / 'pictures'))
    hook.before_val_epoch(runner)
    for index in range(batches):
        hook.after_val_iter(runner, index, {}, [sample()] * size)
    expected = min(number, batches * size)
    assert added == [(f'val/{i}', 2) for i in range(expected)]
    files = sorted(path.name for path in (tmp_path / 'pictures').iterdir())
    assert files == [f'val_002_{i}.png' for i in range(expected)]
    image = cv2.imread(str(tmp_path / 'pictures' / files[0]))
    np.testing.assert_array_equal(image[..., ::-1],
                                  draw_sample(sample(), H36M_17))
