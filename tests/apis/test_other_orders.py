# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Every way to lift gives a joint the same pose, wherever it stands."""

# First: its fixes must be in place before anything imports MMPose.
import mmdiffpose  # noqa: F401 isort: skip

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmpose.apis import MMPoseInferencer
from mmpose.datasets.datasets.utils import parse_pose_metainfo
from other_orders import NAMES, ORDER, ROOT, metainfo, taken
from test_mmpose_inferencer import POSE2D, clip, see_somebody_move

from mmdiffpose import apis
from mmdiffpose.checkpoints.joint_transfer import joint_axes, reorder_weights
from mmdiffpose.skeletons import COCO_17, H36M_17

FOLDER = Path(mmdiffpose.__file__).parent
TRACK = FOLDER / 'data/demo_track_coco17.json'
FRAMES = 16
LIFTERS = ('mixste_mini-27', 'diffpose_mixste_mini-27')

__all__ = ['clip']


def lift_tracks(config, weights, clip, track=TRACK):
    track = apis.read_keypoint_tracks(track)[0].part(0, FRAMES)
    lifted, = apis.lift_tracks(apis.init_model(config, weights), [track])
    return lifted.keypoints_3d


def streamed(config, weights, clip, track=TRACK):
    track = apis.read_keypoint_tracks(track)[0].part(0, FRAMES)
    lifter = apis.StreamingLifter(
        apis.init_model(config, weights), track.image_size, COCO_17)
    parts = [
        lifter.push(i, {0: (track.keypoints[i], track.scores[i])})
        for i in range(FRAMES)
    ]
    return np.concatenate(
        [person.keypoints_3d for part in parts for person in part])


def inferencer(config, weights, clip, track=TRACK):
    found = apis.DiffusionPose3DInferencer(config, weights)
    return found.lift_clip(
        str(track), max_frames=FRAMES).tracks[0].keypoints_3d


def mmposes(config, weights, clip, track=TRACK):
    found = MMPoseInferencer(
        pose3d=config,
        pose3d_weights=weights,
        pose2d=str(POSE2D),
        det_model='whole_image',
        device='cpu')
    see_somebody_move(found.inferencer.pose2d_model.model)
    return np.array([
        frame['predictions'][0][0]['keypoints'] for frame in found(str(clip))
    ])


WAYS = dict(
    lift_tracks=lift_tracks,
    StreamingLifter=streamed,
    DiffusionPose3DInferencer=inferencer,
    WindowedPose3DInferencer=mmposes)


def test_every_way_to_lift_is_tested():
    """Who adds one adds it here; ONNX files have their own test."""
    kinds = ('Inferencer', 'Lifter')
    assert {name
            for name in apis.__all__
            if name.endswith(kinds)} - {'OnnxLifter'} <= set(WAYS)


@pytest.fixture(scope='module', params=LIFTERS)
def pair(request, tmp_path_factory):
    """A config, and weights for it of the usual joints and of others."""
    folder = tmp_path_factory.mktemp('weights')
    config = str(FOLDER.parent / f'configs/{request.param}.py')
    torch.manual_seed(0)
    model = apis.init_model(config)
    for name, value in model.named_parameters():
        if value.detach().unique().numel() == 1:
            torch.nn.init.normal_(value, std=.05)
        elif name.endswith('head.linear.weight'):
            value.data *= 30
    state = model.state_dict()
    axes = joint_axes(Config.fromfile(config).model, H36M_17)
    meta = dict(parse_pose_metainfo(metainfo()), root_joint=NAMES[ROOT])
    for name, values, described in (('usual', state, model.dataset_meta),
                                    ('others',
                                     reorder_weights(state, axes,
                                                     ORDER), meta)):
        torch.save(
            dict(state_dict=values, meta=dict(dataset_meta=described)),
            folder / f'{name}.pth')
    return config, str(folder / 'usual.pth'), str(folder / 'others.pth')


@pytest.mark.parametrize('way', WAYS)
def test_joints_elsewhere_get_the_same_poses(way, pair, clip):
    """Under names that say nothing: which is which, the roots of both and
    the known places of Human3.6M's joints tell."""
    config, usual, others = pair
    expected = WAYS[way](config, usual, clip)
    found = WAYS[way](config, others, clip)
    assert expected.shape == found.shape and np.ptp(expected) > .1
    np.testing.assert_allclose(found, taken(expected), atol=3e-4)


@pytest.mark.parametrize('way',
                         sorted(set(WAYS) - {'WindowedPose3DInferencer'}))
def test_what_stands_for_an_unseen_joint_changes_nothing(way, pair, tmp_path):
    """MMPose's inferencer has a detector, which has no placeholders."""
    found = []
    for place in ([0, 0], [5000, -300], [640.5, 300.25]):
        content = json.loads(TRACK.read_text())
        for frame in content['instance_info']:
            for person in frame['instances']:
                person['keypoints'][9] = place
                person['keypoint_scores'][9] = 0.
        path = tmp_path / 'track.json'
        path.write_text(json.dumps(content))
        found.append(WAYS[way](*pair[:2], None, path))
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])
