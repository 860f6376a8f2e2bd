# Copyright (c) mmdiffpose contributors. All rights reserved.
"""People in one scene."""

from dataclasses import replace

import numpy as np
import pytest

from mmdiffpose.lifting.focal_length import FocalLength
from mmdiffpose.lifting.lift import LiftedTrack
from mmdiffpose.lifting.root_trajectory import (StreamPlacer,
                                                estimate_root_trajectory,
                                                place_in_scene)
from mmdiffpose.structures.lifter_view import LifterView

FOCAL = FocalLength(1200., 'given')


def walker(frames=20, start=(-1., 0.2, 4.), velocity=(0.1, 0., 0.05)):
    rng = np.random.default_rng(0)
    poses = 0.4 * rng.normal(size=(1, 17, 3))
    poses = poses + 0.05 * rng.normal(size=(frames, 17, 3))
    poses -= poses[:, :1]
    roots = np.array(start) + np.arange(frames)[:, None] * velocity
    return track_of(poses, roots), roots


def track_of(poses, roots):
    points = poses + roots[:, None]
    pixels = FOCAL.pixels * points[..., :2] / points[..., 2:] + [640, 360]
    frames = len(poses)
    return LiftedTrack(
        keypoints_3d=poses.astype(np.float32),
        scores=np.ones((frames, 17), np.float32),
        std=np.full((frames, 17), 0.03, np.float32),
        hypotheses=np.repeat(poses[:, None], 2, 1).astype(np.float32),
        keypoints_2d=pixels.astype(np.float32),
        scores_2d=np.ones((frames, 17), np.float32),
        frame_ids=np.arange(frames),
        image_size=(1280, 720),
        track_id=3)


def test_trajectory_of_a_walk():
    track, roots = walker()
    np.testing.assert_allclose(
        estimate_root_trajectory(track, 1200.), roots, atol=2e-3)
    moved = replace(track, keypoints_2d=track.keypoints_2d + [30, 0])
    np.testing.assert_allclose(
        estimate_root_trajectory(moved, 1200., (670, 360)), roots, atol=2e-3)


def test_unsure_joints_count_less():
    track, roots = walker()
    track.keypoints_3d[:, 5:8, 2] += 0.1
    uniform = estimate_root_trajectory(track, 1200.)
    track.std[:, 5:8] = 0.5
    weighted = estimate_root_trajectory(track, 1200.)
    error, less = (np.abs(x - roots).mean() for x in (uniform, weighted))
    assert less < 0.5 * error


def test_frames_that_tell_nothing():
    track, roots = walker()
    track.scores_2d[[0, 7, 8]] = 0
    bare = estimate_root_trajectory(track, 1200., fill=False)
    assert np.flatnonzero(np.isnan(bare).any(1)).tolist() == [0, 7, 8]
    filled = estimate_root_trajectory(track, 1200.)
    np.testing.assert_allclose(filled[1:], roots[1:], atol=3e-3)
    np.testing.assert_array_equal(filled[0], filled[1])
    track.scores_2d[:] = 0
    assert np.isnan(estimate_root_trajectory(track, 1200.)).all()


def test_smoothing():
    track, roots = walker(60)
    rng = np.random.default_rng(1)
    track.keypoints_2d += rng.normal(0, 4, track.keypoints_2d.shape)
    rough = estimate_root_trajectory(track, 1200.)
    smooth = estimate_root_trajectory(track, 1200., smooth=2.)
    inner = slice(6, -6)
    rough, smooth = (np.abs(x - roots)[inner].mean() for x in (rough, smooth))
    assert smooth < 0.7 * rough


def test_scene_of_several_people():
    first, second = walker()[0], walker(start=(1., 0., 6.))[0]
    nowhere = replace(first, scores_2d=np.zeros((20, 17)), track_id=9)
    with pytest.warns(UserWarning, match='person 9'):
        placed = place_in_scene([first, second, nowhere], FOCAL)
    assert [track.focal_source for track in placed] == ['given'] * 2
    assert placed[0].focal_px == 1200
    distance = placed[1].root_trajectory - placed[0].root_trajectory
    np.testing.assert_allclose(distance, np.tile([2, -.2, 2], (20, 1)), .01)
    assert first.root_trajectory is None


def test_a_track_that_was_not_moved_is_placed_as_it_is():
    """Whatever somebody says of its turn."""
    track, roots = walker(velocity=(0, 0, 0), start=(-2., 0.8, 4.))
    with pytest.warns(DeprecationWarning, match='no effect'):
        placed, = place_in_scene([track], FOCAL, turned=True)
    np.testing.assert_array_equal(placed.keypoints_3d, track.keypoints_3d)
    np.testing.assert_array_equal(placed.hypotheses, track.hypotheses)
    np.testing.assert_allclose(placed.root_trajectory, roots, atol=2e-3)


def test_the_focal_length_of_the_lifting_is_that_of_the_scene():
    track, roots = walker()
    track = replace(track, focal_px=1200., focal_source='EXIF')
    placed, = place_in_scene([track])
    np.testing.assert_allclose(placed.root_trajectory, roots, atol=2e-3)
    assert (placed.focal_px, placed.focal_source) == (1200., 'EXIF')
    assert place_in_scene([track], 900.)[0].focal_px == 900


def test_another_focal_length_turns_anew():
    """Seen 640 px right of the middle: 45 degrees by one focal length, the
    angle of 3 : 4 : 5 by the other."""
    track = walker()[0]
    pose = np.zeros((20, 17, 3), np.float32)
    pose[:, 1] = 0, 0, 1
    view = LifterView.facing(
        np.tile([1280., 360.], (20, 1)), np.ones(20), 640.,
        np.array([640., 360.]))
    track = replace(
        track,
        keypoints_3d=pose,
        view=view,
        focal_px=640.,
        focal_source='assumed')
    placed, = place_in_scene([track], 480.)
    # z is at 45 degrees to where the lifter looked, to its left; the other
    # camera's line of sight is (4, 0, 3) / 5.
    left = np.array([-1, 0, 1]) / 2**0.5
    across, along = np.array([3, 0, -4]) / 5, np.array([4, 0, 3]) / 5
    expected = across * left[0] + along * left[2]
    np.testing.assert_allclose(
        placed.keypoints_3d[:, 1], np.tile(expected, (20, 1)), atol=1e-6)
    assert placed.focal_source == 'given'


def test_who_is_hardly_seen_in_a_stream_stays_where_they_were():
    track, roots = walker(3)
    place = StreamPlacer(FOCAL)
    one, = place([track.part(0, 1)])
    np.testing.assert_allclose(one.root_trajectory, roots[:1], atol=2e-3)
    hidden = track.part(1, 3)
    hidden.scores_2d[:] = 0
    stayed, = place([hidden])
    np.testing.assert_array_equal(stayed.root_trajectory,
                                  np.tile(one.root_trajectory, (2, 1)))
    assert (stayed.focal_px, stayed.focal_source) == (1200, 'given')
    assert place([replace(hidden, track_id=8)]) == [], 'never was anywhere'
