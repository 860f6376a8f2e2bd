# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Poses leave the lifter's view in the axes of the real camera."""

from functools import partial

import numpy as np
import pytest
from fake_lifter import FakeLifter, in_plane

from mmdiffpose.apis import (FocalLength, KeypointTrack, StreamingLifter,
                             lift_track, lift_tracks)
from mmdiffpose.lifting import focal_length
from mmdiffpose.skeletons import H36M_17

STATS = dict(stats_info=dict(bbox_center=(500., 500.), bbox_scale=400.))
HALF = 0.5**0.5


def beside_the_middle(frames=12, right=400.):
    """Somebody in a picture of 1600 x 900, right of its middle, pixels."""
    spread = np.random.default_rng(0).uniform(-100, 100, (17, 2))
    spread -= np.median(spread, axis=0)
    keypoints = np.tile(spread + [800 + right, 450], (frames, 1, 1))
    return KeypointTrack(keypoints, np.full((frames, 17), 0.9), (1600, 900),
                         H36M_17)


def along_the_axes(x, n=0):
    """Joints 1, 2, 3 lie one metre along the lifter's x, y, z."""
    pose = np.zeros((*x.shape[:2], 3), np.float32)
    pose[:, 1:4] = np.eye(3)
    hypotheses = np.stack([pose, 2 * pose], 1)
    std = np.full(pose.shape[:2], 0.02, np.float32)
    std_xyz = np.zeros_like(pose) + np.float32([0.01, 0.02, 0.03])
    return dict(
        keypoints=pose,
        keypoint_scores=np.ones_like(std),
        keypoint_std=std,
        keypoint_std_xyz=std_xyz,
        hypotheses=hypotheses)


@pytest.fixture
def fake(regression_config):
    """A lifter that says where people stood in training."""
    model = FakeLifter(regression_config, along_the_axes)
    model.dataset_meta = dict(STATS)
    return model


# A camera with a focal length of 400 px sees 400 px beside its middle at 45
# degrees: there the lifter's z points right and ahead, its x right and back.
TURNED = np.array([[HALF, 0, -HALF], [0, 1, 0], [HALF, 0, HALF]])


def check_turned(lifted):
    rows = np.tile(TURNED, (len(lifted), 1, 1))
    np.testing.assert_allclose(lifted.keypoints_3d[:, 1:4], rows, atol=1e-6)
    np.testing.assert_allclose(
        lifted.hypotheses[:, 1, 1:4], 2 * rows, atol=1e-6)
    np.testing.assert_allclose(lifted.std, 0.02, rtol=1e-5)
    # Variances of 1 and 9 cm2, half and half along the camera's x and z.
    np.testing.assert_allclose(
        lifted.std_xyz[:, 5],
        np.tile([5e-4**0.5, 0.02, 5e-4**0.5], (len(lifted), 1)),
        rtol=1e-5)
    np.testing.assert_allclose(lifted.covariance[:, 5, 0, 2], 4e-4, rtol=1e-4)
    assert lifted.axes == 'camera'
    assert (lifted.focal_px, lifted.focal_source) == (400, 'given')


def test_the_lifters_view_is_turned_back(fake):
    lifted = lift_track(fake, beside_the_middle(), focal_length=400.)
    check_turned(lifted)
    np.testing.assert_allclose(lifted.view.center, [[1200., 450.]] * 12)
    # Their box comes to 400 pixels of the training picture.
    sides = np.ptp(beside_the_middle().keypoints[0], axis=0)
    np.testing.assert_allclose(lifted.view.zoom, 400 / sides.max(), rtol=1e-5)


def test_an_unseen_joint_is_less_sure_along_all_axes(fake):
    track = beside_the_middle()
    track.scores[5:7, 5] = 0
    own = lift_track(fake, track, focal_length=400.).in_axes('lifter')
    growth = own.std[5, 5] / 0.02
    assert growth > 1.01
    np.testing.assert_allclose(
        own.std_xyz[5, 5], growth * np.array([0.01, 0.02, 0.03]), rtol=1e-4)
    np.testing.assert_allclose(own.std_xyz[5, 6], [0.01, 0.02, 0.03], 1e-4)


def test_streaming_turns_back_too(fake):
    track = beside_the_middle(3)
    lifter = StreamingLifter(
        fake, (1600, 900), 'h36m', focal_length=FocalLength(400., 'given'))
    for frame in range(3):
        lifted, = lifter.push(
            frame, {0: (track.keypoints[frame], track.scores[frame])})
        check_turned(lifted)


def test_the_lifters_own_axes_are_there_by_name(fake):
    lifted = lift_track(fake, beside_the_middle(), focal_length=400.)
    own = lifted.in_axes('lifter')
    np.testing.assert_allclose(
        own.keypoints_3d[:, 1:4], np.tile(np.eye(3), (12, 1, 1)), atol=1e-6)
    np.testing.assert_allclose(
        own.std_xyz[:, 5], np.tile([0.01, 0.02, 0.03], (12, 1)), rtol=1e-4)
    up = lifted.in_axes('z-up')
    # z forward becomes y, y down becomes -z.
    np.testing.assert_allclose(
        up.keypoints_3d[0, 1:4],
        [[HALF, -HALF, 0], [0, 0, -1], [HALF, HALF, 0]],
        atol=1e-6)
    np.testing.assert_allclose(
        up.in_axes('lifter').keypoints_3d, own.keypoints_3d, atol=1e-6)


@pytest.fixture
def told(monkeypatch):
    """What is said of focal lengths."""
    said = []
    monkeypatch.setattr(focal_length, 'print_log',
                        lambda text, **_: said.append(text))
    return said


def test_the_focal_length_is_assumed_once_and_said(fake, told):
    people = [beside_the_middle(), beside_the_middle(right=-100.)]
    lifted = lift_tracks(fake, people)
    assert len(told) == 1 and 'no focal length known, 1537 px' in told[0]
    # Half of 1600 px at 27.5 degrees.
    assert lifted[0].focal_px == pytest.approx(1536.79, abs=0.01)
    assert lifted[0].focal_source.startswith('assumed')
    right, left = (track.keypoints_3d[0, 3] for track in lifted)
    angle = np.rad2deg(np.arctan2(right[0], right[2]))
    assert angle == pytest.approx(14.5894, abs=1e-3)
    assert left[0] < 0


@pytest.mark.parametrize('meta, fit', [(dict(), True), (STATS, False)])
def test_a_picture_that_was_not_moved_needs_no_turn(fake, meta, fit, told):
    """A model that does not say where people stood; a studio that is its
    own."""
    fake.dataset_meta = dict(meta)
    lifted = lift_track(fake, beside_the_middle(), fit=fit)
    assert not told
    expected = np.tile(np.eye(3), (12, 1, 1))
    np.testing.assert_array_equal(lifted.keypoints_3d[:, 1:4], expected)
    assert lifted.view is None and lifted.focal_px is None
    np.testing.assert_array_equal(
        lifted.in_axes('lifter').keypoints_3d, lifted.keypoints_3d)
    told_of = lifted.refocused(400., 'given')
    np.testing.assert_array_equal(told_of.keypoints_3d[:, 1:4], expected)


def test_the_camera_of_the_picture_shown(regression_config):
    """What a pipeline is told of it, in pixels of that picture."""
    model = FakeLifter(regression_config, in_plane)
    cameras = partial(_cameras, model)
    assert set(cameras()) == {'w', 'h'}
    whole = cameras(focal_length=400.)
    assert (whole['w'], whole['h']) == (1600, 900)
    np.testing.assert_array_equal(whole['f'], [400, 400])
    np.testing.assert_array_equal(whole['c'], [800, 450])
    model.dataset_meta = dict(STATS)
    moved = cameras(focal_length=400.)
    sides = np.ptp(beside_the_middle().keypoints[0], axis=0)
    np.testing.assert_allclose(
        moved['f'], [400 * 400 / sides.max()] * 2, rtol=1e-5)
    np.testing.assert_array_equal(moved['c'], [500, 500])


def _cameras(model, **kwargs):
    lift_track(model, beside_the_middle(), **kwargs)
    return model.samples[-1].metainfo['camera_param']
