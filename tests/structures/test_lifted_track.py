# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What belongs to a track goes with it."""

from dataclasses import replace

import numpy as np
import pytest

from mmdiffpose.structures.lifted_track import LiftedTrack, join_tracks
from mmdiffpose.structures.lifter_view import LifterView, rotate_rows


def make(frames=4, view=None):
    rng = np.random.default_rng(0)
    poses = rng.normal(size=(frames, 17, 3)).astype(np.float32)
    return LiftedTrack(
        keypoints_3d=poses,
        scores=np.ones((frames, 17), np.float32),
        std=np.full((frames, 17), 0.02, np.float32),
        hypotheses=np.repeat(poses[:, None], 2, 1),
        keypoints_2d=rng.uniform(0, 100, (frames, 17, 2)),
        scores_2d=np.ones((frames, 17)),
        frame_ids=np.arange(frames),
        image_size=(200, 100),
        root_trajectory=rng.normal(size=(frames, 3)).astype(np.float32),
        focal_px=100.,
        focal_source='given',
        covariance=np.tile(np.eye(3, dtype=np.float32), (frames, 17, 1, 1)),
        view=view)


def views(*columns, focal=100.):
    """Views that face pixels of the row through the middle."""
    centers = np.array([[float(u), 50.] for u in columns])
    return LifterView.facing(centers, np.arange(1., 1 + len(columns)), focal,
                             np.array([100., 50.]))


def test_a_view_faces_its_pixel():
    """Each row its own: the line of sight becomes z."""
    view = views(100, 200, 175)
    np.testing.assert_allclose(view.rotation[0], np.eye(3), atol=1e-12)
    np.testing.assert_allclose(
        view.rotation[1] @ [1, 0, 1], [0, 0, 2**0.5], atol=1e-12)
    np.testing.assert_allclose(
        view.rotation[2] @ [3, 0, 4], [0, 0, 5], atol=1e-12)


def test_rows_are_rotated_each_by_its_own():
    rotation = views(100, 200).rotation
    points = np.array([[0., 0, 1], [1, 0, 1]])
    expected = [[0, 0, 1], [0, 0, 2**0.5]]
    np.testing.assert_allclose(
        rotate_rows(points, rotation), expected, atol=1e-12)
    many = np.tile(points[:, None, None], (1, 3, 5, 1))
    turned = rotate_rows(many, rotation)
    assert turned.shape == (2, 3, 5, 3)
    np.testing.assert_allclose(turned[:, 2, 4], expected, atol=1e-12)


def test_parts_keep_their_views():
    track = make(view=views(100, 200, 175, 0))
    whole = track.in_axes('lifter')
    part = track.part(1, 3).in_axes('lifter')
    for name in ('keypoints_3d', 'hypotheses', 'root_trajectory'):
        np.testing.assert_allclose(
            getattr(part, name), getattr(whole, name)[1:3], atol=1e-6)
    np.testing.assert_array_equal(track.part(1, 3).view.zoom, [2, 3])
    joined = join_tracks([track.part(0, 1), track.part(1, 4)])
    np.testing.assert_array_equal(joined.view.rotation, track.view.rotation)
    np.testing.assert_array_equal(joined.covariance, track.covariance)
    with pytest.raises(ValueError, match='all or none to have a view'):
        join_tracks([track, replace(track, view=None)])


def test_pose_and_place_stay_together_in_any_axes():
    track = make(view=views(100, 200, 175, 0))
    camera = track.keypoints_3d + track.root_trajectory[:, None]
    for axes, expected in (('y-up', camera * [1, -1, -1]),
                           ('z-up', camera[..., [0, 2, 1]] * [1, 1, -1])):
        turned = track.in_axes(axes)
        np.testing.assert_allclose(
            turned.keypoints_3d + turned.root_trajectory[:, None],
            expected,
            atol=1e-6)
    assert track.in_axes('camera') is track
    with pytest.raises(ValueError, match="unknown axes 'up'.*lifter"):
        track.in_axes('up')


def test_a_new_focal_length_keeps_what_the_lifter_saw():
    track = make(view=views(100, 200, 175, 0))
    other = track.refocused(200., 'EXIF')
    np.testing.assert_allclose(
        other.in_axes('lifter').keypoints_3d,
        track.in_axes('lifter').keypoints_3d,
        atol=1e-6)
    np.testing.assert_allclose(other.view.rotation,
                               views(100, 200, 175, 0, focal=200.).rotation)
    # 100 px beside the middle are 45 degrees at 100 px, 26.6 at 200.
    assert not np.allclose(other.keypoints_3d[1], track.keypoints_3d[1])
    np.testing.assert_allclose(
        other.keypoints_3d[0], track.keypoints_3d[0], atol=1e-6)
    assert (other.focal_px, other.focal_source) == (200, 'EXIF')
    assert other.root_trajectory is None, 'its depth was that of 100 px'
    same = track.refocused(100., 'given')
    np.testing.assert_array_equal(same.keypoints_3d, track.keypoints_3d)
    assert same.root_trajectory is not None
