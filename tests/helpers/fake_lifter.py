# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Stand-ins for a trained lifter and for a detector's track."""

import numpy as np
import torch
from mmengine.structures import InstanceData

from mmdiffpose.apis import KeypointTrack
from mmdiffpose.skeletons import H36M_17

SIZE = (1600, 900)


def make_track(frames=30, skeleton=H36M_17, seed=0, **kwargs):
    """Joints that wander in the middle of the picture."""
    rng = np.random.default_rng(seed)
    J = skeleton.num_joints
    pose = rng.uniform(-150, 150, (1, J, 2)) + [800, 450]
    drift = np.cumsum(rng.normal(0, 4, (frames, J, 2)), 0)
    return KeypointTrack(pose + drift, np.full((frames, J), 0.9), SIZE,
                         skeleton, **kwargs)


class FakeLifter(torch.nn.Module):
    """Answers each window with a known function of what it was shown.

    ``answer(x, n)`` takes the inputs (T, J, 2) and the number of the window
    and returns the fields of a prediction.
    """

    def __init__(self, cfg, answer):
        super().__init__()
        self.cfg = cfg
        self.dataset_meta = {}
        self.answer = answer
        self.inputs, self.samples = [], []

    def test_step(self, data):
        for x, sample in zip(data['inputs'], data['data_samples']):
            sample.pred_instances = InstanceData(
                **self.answer(x.numpy(), len(self.inputs)))
            self.inputs.append(x.numpy())
            self.samples.append(sample)
        return data['data_samples']


def in_plane(x, n=0):
    """The identity: the 2D input as a pose without depth."""
    pose = np.concatenate([x, np.zeros_like(x[..., :1])], -1)
    scores = np.full(pose.shape[:2], 0.5, np.float32)
    return dict(keypoints=pose, keypoint_scores=scores)


def normalized(track):
    """What :func:`in_plane` makes of a track."""
    w, h = track.image_size
    points = track.keypoints * 2 / w - [1, h / w]
    return points - points[:, :1]
