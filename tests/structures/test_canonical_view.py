# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The canonical view, with numbers worked out by hand."""
import numpy as np
import pytest

from mmdiffpose.structures.canonical_view import (CANONICAL_RMS, FALLBACK_SIZE,
                                                  canonical_view,
                                                  rotation_towards, turn_poses,
                                                  turn_poses_back)

FOCAL, CENTER = np.array([1000., 1000.]), np.array([500., 400.])


def pixels(points):
    """Pinhole projection of (..., 3)."""
    return points[..., :2] / points[..., 2:] * FOCAL + CENTER


def person(rng, place, frames=5, joints=17):
    """A cloud of joints (T, J, 3) around a place, metres."""
    shape = (frames, joints, 3)
    return np.array(place) + rng.normal(size=shape) * [.2, .4, .2]


def test_turns_right_by_45_degrees():
    # One unit right, none up: the line of sight is 45 degrees to the right.
    half = np.sqrt(.5)
    expected = [[half, 0, -half], [0, 1, 0], [half, 0, half]]
    np.testing.assert_allclose(
        rotation_towards(np.array([1., 0.])), expected, atol=1e-12)


def test_turns_down_by_45_degrees():
    half = np.sqrt(.5)
    expected = [[1, 0, 0], [0, half, -half], [0, half, half]]
    np.testing.assert_allclose(
        rotation_towards(np.array([0., 1.])), expected, atol=1e-12)


def test_stays_level_and_is_a_rotation():
    for middle in ([.8, -.3], [-2., 1.5], [.1, 3.]):
        rotation = rotation_towards(np.array(middle))
        np.testing.assert_allclose(
            rotation @ rotation.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(rotation) == pytest.approx(1)
        assert rotation[0, 1] == 0  # the x axis is as level as it was
        turned = rotation @ [*middle, 1]
        np.testing.assert_allclose(turned[:2], 0, atol=1e-12)
        assert turned[2] > 0


def test_median_joint_comes_to_the_middle_at_one_size():
    # Five joints on a cross of 200 px around (700, 400): tangents of 0.2.
    cross = np.array([[700, 400], [900, 400], [500, 400], [700, 600],
                      [700, 200]])
    view = canonical_view(cross[None], np.ones((1, 5), bool), FOCAL, CENTER)
    # The camera turns right by atan(0.2).
    angle = np.arctan(.2)
    np.testing.assert_allclose(
        view.rotation[2], [np.sin(angle), 0, np.cos(angle)], atol=1e-6)
    np.testing.assert_allclose(view.keypoints[0, 0], 0, atol=1e-6)
    # Tangents by angles: tan(atan(0.4) - atan(0.2)) and so on; up and down
    # joints are nearer the old axis, at sqrt(1 + 0.2 ** 2).
    right = np.tan(np.arctan(.4) - angle)
    left = np.tan(angle)
    down = .2 / np.sqrt(1 + .2**2)
    x = np.array([0, right, -left, 0, 0])
    y = np.array([0, 0, 0, down, -down])
    size = np.sqrt(np.mean((x - x.mean())**2 + (y - y.mean())**2))
    assert view.size == pytest.approx(size, rel=1e-5)
    expected = np.stack([x, y], -1) * CANONICAL_RMS / size
    np.testing.assert_allclose(view.keypoints[0], expected, atol=1e-5)


def test_is_what_a_turned_camera_sees():
    rng = np.random.default_rng(0)
    points = person(rng, (1.5, -.8, 4.))
    seen = np.ones(points.shape[:-1], bool)
    view = canonical_view(pixels(points), seen, FOCAL, CENTER)
    turned = turn_poses(points, view.rotation)
    tangents = turned[..., :2] / turned[..., 2:]
    np.testing.assert_allclose(
        view.keypoints * view.size / CANONICAL_RMS, tangents, atol=1e-5)
    np.testing.assert_allclose(
        turn_poses_back(turned, view.rotation), points, atol=1e-5)


def test_batches_are_their_windows():
    rng = np.random.default_rng(1)
    points = np.stack([person(rng, (x, .2, 3.)) for x in (-1., 0., .7)])
    seen = rng.random(points.shape[:-1]) < .8
    focal = np.stack([FOCAL, FOCAL * 1.1, FOCAL * .9])
    center = np.stack([CENTER] * 3)
    views = canonical_view(pixels(points), seen, focal, center)
    for i in range(3):
        view = canonical_view(pixels(points[i]), seen[i], focal[i], center[i])
        for one, many in zip(view, views):
            np.testing.assert_allclose(one, many[i], atol=1e-6)


def test_one_wild_joint_moves_little():
    points = pixels(person(np.random.default_rng(2), (.5, 0., 5.)))
    seen = np.ones(points.shape[:-1], bool)
    before = canonical_view(points, seen, FOCAL, CENTER)
    points[2, 7] = [9000, -4000]
    after = canonical_view(points, seen, FOCAL, CENTER)
    cosine = (before.rotation[2] * after.rotation[2]).sum()
    assert np.degrees(np.arccos(min(cosine, 1))) < .5
    assert after.size == pytest.approx(before.size, rel=.1)


def test_frames_of_few_joints_say_nothing_of_the_size():
    points = pixels(person(np.random.default_rng(5), (0., 0., 4.)))
    seen = np.ones(points.shape[:-1], bool)
    whole = canonical_view(points[:2], seen[:2], FOCAL, CENTER)
    seen[2:, 5:] = False  # three frames with five joints each
    points[2:] = (points[2:] - CENTER) * 3 + CENTER
    view = canonical_view(points, seen, FOCAL, CENTER)
    assert view.size == pytest.approx(float(whole.size), rel=.05)


def test_mirrored_windows_have_mirrored_views():
    points = person(np.random.default_rng(3), (.7, .3, 4.), joints=16)
    seen = np.ones(points.shape[:-1], bool)
    view = canonical_view(pixels(points), seen, FOCAL, CENTER)
    other = canonical_view(pixels(points * [-1, 1, 1]), seen, FOCAL, CENTER)
    np.testing.assert_allclose(
        other.keypoints, view.keypoints * [-1, 1], atol=1e-5)
    assert other.size == pytest.approx(float(view.size), rel=1e-5)


def test_unseen_joints_say_nothing_and_are_zero():
    points = pixels(person(np.random.default_rng(4), (.7, .3, 4.)))
    seen = np.ones(points.shape[:-1], bool)
    seen[1, 3:6] = False
    seen[4] = False
    hidden = points.copy()
    hidden[~seen] = np.nan
    view = canonical_view(hidden, seen, FOCAL, CENTER)
    same = canonical_view(points, seen, FOCAL, CENTER)
    np.testing.assert_array_equal(view.keypoints, same.keypoints)
    np.testing.assert_array_equal(view.rotation, same.rotation)
    inputs = view.inputs(seen)
    assert inputs.shape == (5, 17, 3)
    assert (inputs[~seen] == 0).all()
    assert (inputs[seen][:, 2] == 1).all()


def test_nothing_seen_is_not_turned():
    view = canonical_view(
        np.full((3, 17, 2), np.nan), np.zeros((3, 17), bool), FOCAL, CENTER)
    np.testing.assert_array_equal(view.rotation, np.eye(3))
    assert view.size == np.float32(FALLBACK_SIZE)
    assert (view.keypoints == 0).all()


@pytest.mark.parametrize('name, value', [
    ('seen', np.ones((5, 16), bool)),
    ('focal', np.array([1000.])),
    ('focal', np.array([1000., 0.])),
    ('center', np.zeros((5, 2))),
    ('keypoints', np.full((5, 17, 2), np.nan)),
])
def test_bad_input_is_named(name, value):
    arguments = dict(
        keypoints=np.zeros((5, 17, 2)),
        seen=np.ones((5, 17), bool),
        focal=FOCAL,
        center=CENTER)
    arguments[name] = value
    with pytest.raises(ValueError, match=name):
        canonical_view(**arguments)
