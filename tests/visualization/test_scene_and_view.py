# Copyright (c) mmdiffpose contributors. All rights reserved.
"""From camera axes to pixels: upright, unmirrored, of one scale."""

import numpy as np
import pytest

from mmdiffpose.skeletons import H36M_17
from mmdiffpose.visualization.scene import Scene, estimate_pitch
from mmdiffpose.visualization.view import SceneView


def standing(frames=6, pitch=0.):
    """A person facing a camera that is pitched down by ``pitch`` radians."""
    pose = np.zeros((17, 3))
    height = dict(
        head=0.75,
        neck_base=0.6,
        thorax=0.5,
        spine=0.25,
        knee=-0.45,
        foot=-0.9,
        shoulder=0.5,
        elbow=0.2,
        wrist=0.)
    for joint, name in enumerate(H36M_17.joints):
        pose[joint, 1] = -height.get(name.split('_')[-1], height.get(name, 0))
        # Facing the camera, their left is on the camera's right.
        pose[joint, 0] = 0.2 * (
            name.startswith('left') - 1 * name.startswith('right'))
    cos, sin = np.cos(pitch), np.sin(pitch)
    camera = np.array([[1, 0, 0], [0, cos, sin], [0, -sin, cos]])
    poses = np.repeat(pose[None], frames, 0) @ camera.T
    # In an upright person's camera image, feet are farther from a camera
    # above than the head is.
    assert pitch == 0 or poses[0, 3, 2] * pitch < 0
    return poses


@pytest.mark.parametrize('degrees', [-20, 0, 12, 30])
def test_pitch_is_found_and_undone(degrees):
    poses = standing(pitch=np.deg2rad(degrees))
    scene = Scene.fit(poses, H36M_17)
    world, = scene.place(poses[0])
    thorax, foot = H36M_17.index['thorax'], H36M_17.index['left_foot']
    assert world[thorax, 2] == pytest.approx(world[foot, 2], abs=1e-9)
    assert world[foot, 1] == pytest.approx(0, abs=1e-9)
    assert world[thorax, 1] == pytest.approx(1.4)


def test_lying_person_is_left_lying():
    poses = standing()[..., [0, 2, 1]]
    assert estimate_pitch(poses, H36M_17) == 0


@pytest.mark.parametrize('azimuth, elevation', [(0, 0), (0, 14), (20, 14)])
def test_upright_and_unmirrored(azimuth, elevation):
    poses = standing()
    scene = Scene.fit(poses, H36M_17)
    view = SceneView(scene, 400, azimuth, elevation)
    x, y, _ = view.project(scene.place(poses[0])[0]).T
    index = H36M_17.index
    assert y[index['head']] < y[index['root']] < y[index['left_foot']]
    assert x[index['left_wrist']] > x[index['right_wrist']]


def test_nearer_is_deeper_and_the_side_view_comes_from_the_left():
    scene = Scene.fit(standing(), H36M_17)
    ahead, left = np.array([0., 0, 1]), np.array([-1., 0, 0])
    front, side = SceneView(scene, 400, 0, 0), SceneView(scene, 400, 90, 0)
    # World z points towards the viewer of the front view.
    assert front.project(ahead)[2] == pytest.approx(1)
    assert side.project(left)[2] == pytest.approx(1)
    assert side.project(ahead)[0] > side.project(-ahead)[0]


def test_everything_is_in_the_panel_at_one_scale():
    rng = np.random.default_rng(0)
    poses = standing(30) + rng.normal(0, 0.15, (30, 17, 3))
    poses -= poses[:, :1]
    scene = Scene.fit(poses, H36M_17)
    views = [SceneView(scene, 300, azimuth) for azimuth in (0, 45, 90, 200)]
    assert len({view.scale for view in views}) == 1
    for view in views:
        for pose in poses:
            pixels = view.project(scene.place(pose)[0])[:, :2]
            assert pixels.min() >= 0 and pixels.max() <= 300


def test_hypotheses_move_with_their_pose():
    poses = standing()
    scene = Scene.fit(poses, H36M_17)
    world, cloud = scene.place(poses[0], poses[:1] + [0.1, 0, 0])
    np.testing.assert_allclose(cloud[0] - world, np.tile([0.1, 0, 0], (17, 1)))
