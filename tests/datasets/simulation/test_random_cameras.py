# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Cameras drawn anew: geometry by hand, draws within their ranges."""
import numpy as np
import pytest

from mmdiffpose.datasets.simulation.keyed_draws import KeyedDraws
from mmdiffpose.datasets.simulation.random_cameras import (MIN_DEPTH,
                                                           CameraRanges,
                                                           camera_rotation,
                                                           draw_cameras,
                                                           fold_joints)

WINDOWS = 4000


def standing(frames=3):
    """A person of 1.7 m as a cloud of 17 points around the origin."""
    cloud = np.random.default_rng(0).uniform(-1, 1, (1, 1, 17, 3))
    cloud[..., :2, :] = [[0, -1, 0], [0, 1, 0]]
    cloud = cloud * [.25, .85, .25]
    return np.repeat(np.repeat(cloud, frames, 1), WINDOWS,
                     0).astype(np.float32)


def drawn(ranges, motion=None, seed=0):
    draws = KeyedDraws(seed, 0, range(WINDOWS), 24)
    return draw_cameras(draws,
                        standing() if motion is None else motion, ranges)


def angles(heading=0., pitch=0., roll=0.):
    return camera_rotation(*(np.array([a]) for a in (heading, pitch, roll)))[0]


def test_upright_camera_looks_along_minus_z():
    np.testing.assert_allclose(
        angles() @ np.eye(3), np.diag([1, -1, -1]), atol=1e-7)


def test_heading_turns_the_line_of_sight():
    # 90 degrees to the left: -x is ahead now, what was ahead is to the right.
    np.testing.assert_allclose(
        angles(heading=90) @ [-1, 0, 0], [0, 0, 1], atol=1e-6)
    np.testing.assert_allclose(
        angles(heading=90) @ [0, 0, -1], [1, 0, 0], atol=1e-6)


@pytest.mark.parametrize('pitch', [-20., 0., 30.])
def test_horizon_is_where_the_pitch_puts_it(pitch):
    x, y, z = angles(pitch=pitch) @ [0, 0, -1]
    assert y / z == pytest.approx(-np.tan(np.radians(pitch)), abs=1e-6)
    assert x == pytest.approx(0, abs=1e-6)


def test_roll_turns_x_to_y():
    right = angles(roll=30) @ [1, 0, 0]
    np.testing.assert_allclose(right, [np.sqrt(3) / 2, .5, 0], atol=1e-6)


def test_draws_keep_to_their_ranges():
    ranges = CameraRanges()
    cameras, points = drawn(ranges)
    assert cameras.pitch.min() >= -20 and cameras.pitch.max() <= 50
    assert cameras.pitch.mean() == pytest.approx(15, abs=1)
    assert cameras.roll.mean() == pytest.approx(0, abs=.6)
    assert cameras.roll.std() == pytest.approx(10, abs=.5)
    assert cameras.distance.min() >= 1.8 and cameras.distance.max() <= 15
    # Log-uniform: the median is the geometric mean.
    assert np.median(cameras.distance) == pytest.approx(
        np.sqrt(1.8 * 15), rel=.06)
    np.testing.assert_allclose(
        points[..., 2].mean(axis=(1, 2)), cameras.distance, rtol=.2)
    longer = cameras.size.max(axis=1)
    assert longer.min() >= 480 and longer.max() <= 1920
    assert (cameras.focal / longer).min() >= .5 * .999
    assert (cameras.focal / longer).max() <= 10 * 1.001
    aspects = (cameras.size[:, 0] / cameras.size[:, 1]).tolist()
    assert {round(a, 1) for a in aspects} >= {.6, 1., 1.3, 1.8}


def test_person_takes_the_share_of_the_picture():
    # On the optical axis of a level camera it is exact up to perspective.
    ranges = CameraRanges(
        pitch=(0, 0), roll_std=0, distance=(12, 15), person_share=(.5, .5))
    cameras, points = drawn(ranges)
    pixels = points[..., :2] / points[..., 2:] * cameras.focal[:, None, None,
                                                               None]
    extent = np.ptp(pixels, axis=2).mean(axis=1)
    share = (extent / cameras.size).max(axis=1)
    np.testing.assert_allclose(share, .5, rtol=.06)


def test_people_are_in_the_picture_unless_cut_off():
    for cut_off, low, high in ((0., .98, 1.), (1., .6, .95)):
        cameras, points = drawn(
            CameraRanges(cut_off=cut_off, distance=(5, 15), roll_std=0))
        pixels = points[..., :2] / points[..., 2:]
        pixels = pixels * cameras.focal[:, None, None, None] + \
            cameras.center[:, None, None]
        inside = ((pixels >= 0) &
                  (pixels <= cameras.size[:, None, None])).all(-1)
        assert low <= inside.mean() <= high


def test_no_joint_comes_too_near():
    motion = standing()
    motion[:, 0, :, 2] += 2.5  # walks five metres along z
    motion[:, 2, :, 2] -= 2.5
    ranges = CameraRanges(distance=(1.8, 1.8), followed=0.)
    cameras, points = drawn(ranges, motion)
    assert points[..., 2].min() == pytest.approx(MIN_DEPTH, abs=1e-3)
    assert cameras.distance.min() == pytest.approx(1.8)


def test_following_cameras_take_out_velocity():
    motion = standing()
    motion[:, 0, :, 0] -= 1
    motion[:, 2, :, 0] += 1
    _, points = drawn(CameraRanges(followed=1.), motion)
    way = np.linalg.norm(points[:, 2, 0] - points[:, 0, 0], axis=-1)
    assert way.min() >= 0 and way.max() <= 1.001
    assert way.mean() == pytest.approx(.5, abs=.03)


def test_jumps_are_not_taken_out():
    motion = standing()
    motion[:, 2, :, 1] += .5
    level = CameraRanges(followed=1., pitch=(0, 0), roll_std=0)
    _, points = drawn(level, motion)
    np.testing.assert_allclose(
        points[:, 2, 0, 1] - points[:, 0, 0, 1], -.5, atol=1e-4)


def test_people_who_walk_stay_in_the_picture():
    motion = standing()
    motion[:, 0, :, 0] -= 2
    motion[:, 2, :, 0] += 2
    ranges = CameraRanges(
        heading=(0, 0), distance=(8, 15), cut_off=0, followed=0, roll_std=0)
    cameras, points = drawn(ranges, motion)
    pixels = points[..., :2] / points[..., 2:]
    pixels = pixels * cameras.focal[:, None, None, None] + \
        cameras.center[:, None, None]
    wide = cameras.size[:, 0] > cameras.size[:, 1]
    inside = ((pixels >= 0) & (pixels <= cameras.size[:, None, None])).all(-1)
    # Portraits hold four metres only where people are small.
    assert inside[wide].mean() > .97


def test_assumed_focal_length():
    cameras, _ = drawn(CameraRanges(focal_unknown=.5, focal_error=.2))
    error = np.log(cameras.assumed_focal / cameras.focal)
    wrong = np.abs(error) > 1e-6
    assert wrong.mean() == pytest.approx(.5, abs=.03)
    assert error[wrong].std() == pytest.approx(.2, abs=.02)


def test_fold_joints_is_a_reduction():
    rng = np.random.default_rng(0)
    for joints in (1, 2, 3, 5, 16, 17):
        points = rng.normal(size=(4, 2, joints, 3))
        np.testing.assert_array_equal(
            fold_joints(np.maximum, points), points.max(axis=2))


@pytest.mark.parametrize('setting', [
    dict(pitch=(10, -10)),
    dict(distance=(0, 5)),
    dict(cut_off=1.5),
    dict(shapes=()),
])
def test_bad_ranges_are_named(setting):
    with pytest.raises(ValueError, match=next(iter(setting))):
        CameraRanges(**setting)
