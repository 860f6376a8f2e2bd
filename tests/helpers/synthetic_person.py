# Copyright (c) mmdiffpose contributors. All rights reserved.
"""A person of known geometry, for files that tests write."""

import numpy as np

from mmdiffpose.datasets.cameras import VIRTUAL_CAMERAS
from mmdiffpose.evaluation.functional.joint_order import root_joint
from mmdiffpose.evaluation.metrics import PoseLiftingMetric

# Human3.6M-17 joints in metres, y up, facing +z, knees slightly bent.
STANDING = np.array([
    (0, .95, 0), (-.13, .95, 0), (-.13, .5, .06), (-.13, .06, 0),
    (.13, .95, 0), (.13, .5, .06), (.13, .06, 0), (0, 1.18, 0), (0, 1.43, 0),
    (0, 1.54, .04), (0, 1.65, .02), (.15, 1.4, 0), (.2, 1.13, -.03),
    (.2, .9, .1), (-.15, 1.4, 0), (-.2, 1.13, -.03), (-.2, .9, .1)
])  # yapf: disable

Y_UP_TO_Z_UP = np.array([[1., 0, 0], [0, 0, -1], [0, 1, 0]])


def moving_person(frames, seed=0):
    """A person who turns, wanders and moves every joint a little.

    Returns:
        (F, 17, 3), metres, world with y up.
    """
    rng = np.random.default_rng(seed)
    time = np.arange(frames) / 50
    waves = rng.normal(size=(2, 17, 3)) * .02
    pose = STANDING + sum(wave * np.sin(time * (3 + 2 * k))[:, None, None]
                          for k, wave in enumerate(waves))
    angle = time + rng.uniform(0, 6)
    zero, one = np.zeros(frames), np.ones(frames)
    turn = np.array([[np.cos(angle), zero, np.sin(angle)], [zero, one, zero],
                     [-np.sin(angle), zero,
                      np.cos(angle)]])
    pose = np.einsum('ijf,fkj->fki', turn, pose)
    drift = .4 * np.stack([np.sin(time / 2), zero, np.cos(time / 3)], axis=-1)
    return pose + drift[:, None]


def z_up_cameras(names, width=1000, height=1002):
    """The virtual cameras in a world with z up, as a camera file has them."""
    cameras = {}
    for name, camera in zip(names, VIRTUAL_CAMERAS):
        cameras[name] = dict(
            R=Y_UP_TO_Z_UP @ camera.rotation,
            T=(Y_UP_TO_Z_UP @ camera.position).reshape(3, 1),
            f=np.array(camera.focal).reshape(2, 1),
            c=np.array(camera.center).reshape(2, 1),
            k=np.zeros((3, 1)),
            p=np.zeros((2, 1)),
            w=width,
            h=height,
            name=name,
            id=name)
    return cameras


def see(world, camera):
    """World points in camera axes and in pixels, written out."""
    pose = np.einsum('ji,...j->...i', camera['R'],
                     world - camera['T'].reshape(3))
    pixels = pose[..., :2] / pose[..., 2:] * camera['f'].ravel()
    return pose, pixels + camera['c'].ravel()


def evaluate(dataset, truth, shift=0., joint_order='h36m'):
    """Metrics of a model that knows the truth, over the frames to score.

    Args:
        dataset: A lifting data set in test mode.
        truth: Camera-space poses (F, 17, 3) by (subject, clip, camera),
            metres, in the joint order of the samples.
        shift: Added to the prediction's x, in metres, except the root's.
        joint_order: Of the samples.

    Returns:
        What the metric reports, and the scored (subject, clip, camera,
        frame).
    """
    metric = PoseLiftingMetric(joint_order=joint_order)
    root = root_joint(joint_order)
    scored = []
    for index in range(len(dataset)):
        sample = dataset[index]
        key = sample['subject'], sample['clip'], sample['camera']
        frames = sample['frame_ids']
        prediction = truth[key][frames]
        prediction = prediction - prediction[:, root:root + 1]
        prediction[:, np.arange(17) != root, 0] += shift
        instances = {
            name: sample[name]
            for name in ('lifting_target', 'lifting_target_visible',
                         'valid_frames')
        }
        metric.process({}, [
            dict(
                sample,
                pred_instances=dict(keypoints=prediction),
                gt_instances=instances)
        ])
        scored += [(*key, int(frame))
                   for frame in frames[sample['valid_frames']]]
    return metric.evaluate(len(dataset)), scored
