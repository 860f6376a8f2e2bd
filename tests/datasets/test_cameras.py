# Copyright (c) mmdiffpose contributors. All rights reserved.
import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mmpose.utils.camera import SimpleCamera

from mmdiffpose.datasets.cameras import (SUBJECT_CENTER, VIRTUAL_CAMERAS,
                                         denormalize_screen, look_at,
                                         normalize_screen, project)

CAMERAS = pytest.mark.parametrize(
    'camera', VIRTUAL_CAMERAS, ids=lambda camera: camera.name)


def _world_points(n=40):
    return np.random.default_rng(0).uniform([-1.5, 0, -1.5], [1.5, 2, 1.5],
                                            (n, 3))


@CAMERAS
def test_projection_agrees_with_opencv(camera):
    points = _world_points()
    world_to_camera = camera.rotation.T
    expected, _ = cv2.projectPoints(
        points,
        cv2.Rodrigues(world_to_camera)[0], -world_to_camera @ camera.position,
        np.array([[camera.focal[0], 0, camera.center[0]],
                  [0, camera.focal[1], camera.center[1]], [0, 0, 1]]), None)
    found = camera.project(camera.world_to_camera(points))
    assert np.abs(found - expected[:, 0]).max() < 1e-6


@CAMERAS
def test_extrinsics_mean_what_mmpose_means(camera):
    param = camera.as_param()
    theirs = SimpleCamera(
        dict(
            R=param['R'],
            T=param['T'][:, None],
            f=param['f'][:, None],
            c=param['c'][:, None]))
    points = _world_points().astype(np.float32)
    in_camera = theirs.world_to_camera(points)
    np.testing.assert_allclose(
        camera.world_to_camera(points), in_camera, atol=1e-4)
    np.testing.assert_allclose(
        camera.project(in_camera),
        theirs.camera_to_pixel(in_camera),
        atol=1e-2)


@CAMERAS
def test_world_and_camera_are_inverse(camera):
    points = _world_points()
    there = camera.world_to_camera(points)
    np.testing.assert_allclose(camera.camera_to_world(there), points)


@CAMERAS
def test_cameras_are_upright_and_look_down_at_the_subject(camera):
    right, down, forward = camera.rotation.T
    np.testing.assert_allclose(
        camera.rotation @ camera.rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(camera.rotation) == pytest.approx(1)
    assert right[1] == pytest.approx(0)  # level horizon
    assert down[1] < -.9
    assert 3 < np.rad2deg(np.arcsin(-forward[1])) < 10
    center = camera.world_to_camera(np.array(SUBJECT_CENTER))
    np.testing.assert_allclose(center[:2], 0, atol=1e-12)
    assert 4.5 < center[2] < 6
    assert 1.5 <= camera.position[1] <= 1.7
    assert max(abs(f - 1145) for f in camera.focal) < 5
    # What is higher in the world is higher in the image.
    head, foot = camera.project(
        camera.world_to_camera(np.array([[0., 1.7, 0.], [0., 0., 0.]])))
    assert head[1] < foot[1]


def test_cameras_see_from_four_sides():
    angles = sorted(
        np.rad2deg(np.arctan2(c.position[0], c.position[2])) % 360
        for c in VIRTUAL_CAMERAS)
    gaps = np.diff(angles + [angles[0] + 360])
    assert gaps.min() > 70
    assert len({camera.name for camera in VIRTUAL_CAMERAS}) == 4


def test_points_behind_the_camera_are_refused():
    with pytest.raises(ValueError, match='in front of the camera'):
        project(np.array([[0., 0., -1.]]), (1000, 1000), (500, 500))


def test_look_at_by_hand():
    # From +z towards the origin: right is world +x, forward is world -z.
    np.testing.assert_allclose(
        look_at(np.array([0., 0., 5.]), np.zeros(3)),
        np.array([[1., 0, 0], [0, -1, 0], [0, 0, -1]]),
        atol=1e-12)


@settings(deadline=None, max_examples=50)
@given(
    st.floats(-2000, 4000), st.floats(-2000, 4000), st.integers(100, 4000),
    st.integers(100, 4000))
def test_screen_normalisation(u, v, width, height):
    pixel = np.array([u, v])
    screen = normalize_screen(pixel, width, height)
    np.testing.assert_allclose(
        screen, [u / width * 2 - 1, v / width * 2 - height / width],
        atol=1e-12)
    np.testing.assert_allclose(
        denormalize_screen(screen, width, height), pixel, atol=1e-6)
    mirrored = normalize_screen(np.array([width - u, v]), width, height)
    np.testing.assert_allclose(mirrored, screen * [-1, 1], atol=1e-12)
