# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Lifters whose pipeline turns each window's camera to the person."""

from types import SimpleNamespace

import numpy as np
import pytest
from fake_lifter import FakeLifter
from mmengine.config import Config

from mmdiffpose.apis import KeypointTrack, lift_track
from mmdiffpose.datasets.transforms import TurnToPerson
from mmdiffpose.lifting.window_inference import knows_missing, turns_to_person
from mmdiffpose.skeletons import H36M_17

T, J = 5, 17
WIDTH, HEIGHT, FOCAL = 2000, 1000, 1000.
THIRTY = np.tan(np.deg2rad(30)) * FOCAL + WIDTH / 2
"""The column of a pixel 30 degrees to the right."""


def config(mask_channel=True):
    codec = dict(type='mmdiffpose.GMMDiffusionPose', mask_channel=mask_channel)
    pipeline = [
        dict(type='mmdiffpose.TurnToPerson'),
        dict(type='GenerateTarget', encoder=codec),
        dict(type='PackPoseInputs', meta_keys=('id', 'camera_param'))
    ]
    return Config(
        dict(
            default_scope='mmpose',
            test_dataloader=dict(dataset=dict(seq_len=T, pipeline=pipeline))))


def track(frames=T, column=THIRTY):
    """Joints around one pixel, as many on either side of it."""
    rng = np.random.default_rng(0)
    half = rng.uniform(20, 80, (J // 2, 2))
    offsets = np.concatenate([half, [[0, 0]], -half])
    points = np.tile(offsets + [column, HEIGHT / 2], (frames, 1, 1))
    return KeypointTrack(points, np.full((frames, J), 0.9), (WIDTH, HEIGHT),
                         H36M_17)


def answer(x, n):
    """A metre behind the root, 10, 20 and 30 cm sure, in the turned axes."""
    pose = np.zeros((T, J, 3), np.float32)
    pose[:, 1:, 2] = 1
    std = np.broadcast_to(np.float32([.1, .2, .3]), pose.shape)
    return dict(
        keypoints=pose,
        keypoint_scores=np.full((T, J), .5, np.float32),
        keypoint_std=np.full((T, J), .2, np.float32),
        keypoint_std_xyz=std,
        hypotheses=np.repeat(pose[:, None], 3, 1))


def test_poses_are_turned_back():
    lifted = lift_track(
        FakeLifter(config(), answer), track(), focal_length=FOCAL)
    # 30 degrees to the right of the optical axis: sin 30 and cos 30.
    expected = [.5, 0, .75**.5]
    np.testing.assert_allclose(
        lifted.keypoints_3d[:, 1:],
        np.broadcast_to(expected, (T, J - 1, 3)),
        atol=1e-4)
    np.testing.assert_allclose(
        lifted.hypotheses[:, :, 1:],
        np.broadcast_to(expected, (T, 3, J - 1, 3)),
        atol=1e-4)
    assert lifted.focal_px == FOCAL


def test_std_is_turned_back():
    lifted = lift_track(
        FakeLifter(config(), answer), track(), focal_length=FOCAL)
    # cos^2 0.01 + sin^2 0.09, 0.04, sin^2 0.01 + cos^2 0.09
    np.testing.assert_allclose(
        lifted.std_xyz**2,
        np.broadcast_to([.03, .04, .07], (T, J, 3)),
        atol=1e-5)
    # sin cos (0.09 - 0.01)
    np.testing.assert_allclose(
        lifted.covariance[..., 0, 2], .08 * .25 * 3**.5, atol=1e-5)


def test_each_window_has_a_turn_of_its_own():
    """Somebody who was in the middle and is on the right now."""
    straight, right = track(column=WIDTH / 2), track()
    both = KeypointTrack(
        np.concatenate([straight.keypoints, right.keypoints]),
        np.full((2 * T, J), .9), (WIDTH, HEIGHT), H36M_17)
    lifted = lift_track(
        FakeLifter(config(), answer), both, overlap=0, focal_length=FOCAL)
    np.testing.assert_allclose(
        lifted.keypoints_3d[[0, -1], 5], [[0, 0, 1], [.5, 0, .75**.5]],
        atol=1e-4)


def test_the_turn_is_told_and_another_focal_length_turns_anew():
    lifted = lift_track(
        FakeLifter(config(), answer), track(), focal_length=FOCAL)
    np.testing.assert_allclose(
        lifted.view.center, [[THIRTY, HEIGHT / 2]] * T, atol=0.1)
    own = lifted.in_axes('lifter')
    np.testing.assert_allclose(
        own.keypoints_3d[:, 3], [[0, 0, 1]] * T, atol=1e-4)
    np.testing.assert_allclose(own.std_xyz[:, 3], [[.1, .2, .3]] * T, 1e-4)
    # tan 30 = 0.577 at a third of the focal length is tan 60.
    other = lifted.refocused(FOCAL / 3, 'given')
    np.testing.assert_allclose(
        other.keypoints_3d[:, 3], [[.75**.5, 0, .5]] * T, atol=1e-4)


def test_person_is_shown_in_the_middle():
    model = FakeLifter(config(), answer)
    lift_track(model, track(), focal_length=FOCAL)
    shown, = model.inputs
    assert shown.shape == (T, J, 3)
    np.testing.assert_allclose(shown[..., :2].mean(1), 0, atol=0.02)
    assert (shown[..., 2] == 1).all()


def test_pipelines_of_any_form_are_understood():
    model = FakeLifter(config(), answer)
    assert turns_to_person(model) and knows_missing(model)
    dataset = model.cfg.test_dataloader.dataset
    codec = dict(type='VideoPoseLifting')
    dataset.pipeline = [
        dict(type='GenerateTarget', encoder=[codec, codec]),
        dict(type='GenerateTarget', encoder=None),
        dict(type='PackPoseInputs')
    ]
    assert not turns_to_person(model) and not knows_missing(model)
    # Python-style configs name classes, and a step may be a function.
    model.cfg = SimpleNamespace(
        test_dataloader=SimpleNamespace(
            dataset=dict(pipeline=[len, dict(type=TurnToPerson)])))
    assert turns_to_person(model) and not knows_missing(model)


@pytest.mark.parametrize('mask_channel', [True, False])
def test_missing_joints_are_the_business_of_a_model_that_knows_them(
        mask_channel):
    model = FakeLifter(config(mask_channel), answer)
    blind = track()
    blind.scores[2, 4] = 0
    lifted = lift_track(model, blind, focal_length=FOCAL)
    shown, = model.inputs
    if mask_channel:
        assert shown[2, 4].tolist() == [0, 0, 0]
        # What the model says, and what it is off if it is not missing as
        # in training: sqrt(.231^2 - .0657^2) of the size, by its score of .35.
        assert lifted.std[2, 4] == pytest.approx(.2, rel=.2)
        assert lifted.std[2, 4] > .2 == pytest.approx(lifted.std[2, 5])
    else:
        # Interpolated, and therefore less sure.
        np.testing.assert_allclose(shown[2, 4], shown[1, 4], atol=1e-5)
        assert lifted.std[2, 4] > .2
    assert lifted.scores[2, 4] == 0
