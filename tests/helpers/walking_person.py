# Copyright (c) mmdiffpose contributors. All rights reserved.
"""A recording of a person who walks across the picture."""
import numpy as np

from mmdiffpose.datasets import LiftingDataset, PoseSequence

CAMERA = dict(
    w=1000, h=800, f=np.array([1145., 1144.]), c=np.array([512, 390]))
BODY = np.array([[0, 0, 0], [-.13, .02, 0], [-.14, .47, -.05], [-.13, .9, .02],
                 [.13, .02, 0], [.15, .46, -.08], [.13, .88, .05],
                 [0, -.24, -.02], [0, -.49, 0], [.01, -.6, -.06],
                 [0, -.72, -.03], [.15, -.44, .01], [.24, -.2, .07],
                 [.3, .02, -.1], [-.15, -.45, .02], [-.3, -.25, .05],
                 [-.35, -.02, -.12]])


def walking(frames=200, swing=.4):
    """A person who walks across the picture, swinging arms and legs."""
    time = np.arange(frames)[:, None, None] / 50
    sway = np.sin(2 * np.pi * time) * BODY[:, 1:2] * np.sign(BODY[:, :1])
    poses = BODY + sway * [0, 0, swing]
    path = np.concatenate([1.2 * time - 2, .3 + 0 * time, 5 + .2 * time],
                          axis=-1)
    return poses + path


def sequence(poses=None, **changes):
    poses = walking() if poses is None else poses
    pixels = poses[..., :2] / poses[..., 2:] * CAMERA['f'] + CAMERA['c']
    noise = np.random.default_rng(0).normal(0, 3, pixels.shape)
    fields = dict(
        subject='S1',
        action='Walking',
        camera='v0',
        clip='Walking_1',
        keypoints_2d=pixels + noise,
        scores=np.ones(pixels.shape[:2]),
        keypoints_3d=poses,
        camera_param=CAMERA)
    fields.update(changes)
    return PoseSequence(**fields)


class OneSequence(LiftingDataset):
    """A data set of one sequence."""

    def __init__(self, own, **kwargs):
        self.own = own
        super().__init__(9, 9, **kwargs)

    def load_sequences(self):
        return [self.own]
