# Copyright (c) mmdiffpose contributors. All rights reserved.
import numpy as np
import pytest

from mmdiffpose.datasets.simulation.detector_noise import Detections
from mmdiffpose.datasets.simulation.self_occlusion import (SelfOcclusion,
                                                           _sight_to_bones,
                                                           hidden_joints)
from mmdiffpose.skeletons import H36M_17

J = H36M_17.index


def frontal_person():
    """Camera axes, 5 m away, facing the camera, arms to the sides."""
    pose = np.zeros((17, 3))
    for name, place in dict(
            root=(0, 0, 0), right_hip=(-.13, 0, 0), right_knee=(-.13, .45, 0),
            right_foot=(-.13, .9, 0), left_hip=(.13, 0, 0),
            left_knee=(.13, .45, 0), left_foot=(.13, .9, 0),
            spine=(0, -.24, 0), thorax=(0, -.5, 0), neck_base=(0, -.6, 0),
            head=(0, -.72, 0), left_shoulder=(.15, -.5, 0),
            left_elbow=(.45, -.5, 0), left_wrist=(.7, -.5, 0),
            right_shoulder=(-.15, -.5, 0), right_elbow=(-.45, -.5, 0),
            right_wrist=(-.7, -.5, 0)).items():  # yapf: disable
        pose[J[name]] = place
    return pose + [0, 0, 5]


def test_nothing_is_hidden_from_the_front():
    assert not hidden_joints(frontal_person()[None]).any()


def test_a_hand_behind_the_back():
    pose = np.stack([frontal_person()] * 3)
    pose[1, J['left_wrist']] = 0, -.35, 5.3  # behind the trunk
    pose[2, J['left_wrist']] = 0, -.35, 4.7  # in front of it
    hidden = hidden_joints(pose)
    assert hidden[1, J['left_wrist']]
    assert not hidden[2, J['left_wrist']]
    assert not hidden[0].any()
    assert hidden[1].sum() == 1


def test_from_the_side_one_half_hides_the_other():
    pose = frontal_person() - [0, 0, 5]
    pose[[J['left_elbow'],
          J['left_wrist']]] = pose[J['left_shoulder']] + [(0, .28, 0),
                                                          (0, .53, 0)]
    turned = pose[:, [2, 1, 0]] + [0, 0, 5]
    hidden = hidden_joints(turned[None])[0]
    assert hidden[J['left_knee']] and not hidden[J['right_knee']]


def test_closest_approach_by_brute_force():
    rng = np.random.default_rng(0)
    pose = rng.normal(size=(20, 5, 3)) + [0, 0, 4]
    start, end = rng.normal(size=(2, 20, 3)) + [0, 0, 3]
    distance, _ = _sight_to_bones(pose, start[:, None], end[:, None])
    steps = np.linspace(0, 1, 401)
    sight = steps[:, None, None, None] * pose
    bone = start + steps[:, None, None] * (end - start)
    for frame in range(20):
        gaps = np.linalg.norm(
            sight[:, None, frame] - bone[None, :, frame, None], axis=-1)
        np.testing.assert_allclose(
            distance[frame, 0], gaps.min(axis=(0, 1)), atol=.02)


def test_hidden_joints_are_found_worse():
    pose = frontal_person()[None]
    pose[0, J['left_wrist']] = 0, -.35, 5.3
    truth = np.full((1, 17, 2), 500.)
    modes = np.full((1, 17, 2, 2), 503.)
    mixtures = np.concatenate(
        [np.full((1, 17, 2, 1), .5), modes,
         np.full((1, 17, 2, 2), 4.)],
        axis=-1)
    found = Detections(truth + 3, np.full((1, 17), .8), mixtures)
    worse = SelfOcclusion(
        noise_factor=2, score_factor=.25).apply(found, truth, pose)
    wrist = J['left_wrist']
    np.testing.assert_allclose(worse.keypoints[0, wrist], 506)
    np.testing.assert_allclose(worse.mixtures[0, wrist, 1],
                               [.5, 506, 506, 8, 8])
    assert worse.scores[0, wrist] == pytest.approx(.2)
    others = np.arange(17) != wrist
    np.testing.assert_allclose(worse.keypoints[0, others], 503)
    np.testing.assert_allclose(worse.scores[0, others], .8)
    with pytest.raises(ValueError, match='noise_factor'):
        SelfOcclusion(noise_factor=.5)
