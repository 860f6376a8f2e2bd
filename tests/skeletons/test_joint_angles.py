# Copyright (c) mmdiffpose contributors. All rights reserved.
"""How far joints are bent."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mmdiffpose.skeletons import H36M_17, MEDIAPIPE_33
from mmdiffpose.skeletons.joint_angles import joint_angles

INDEX = H36M_17.index


def standing():
    """(17, 3): arms hang, all straight; y up."""
    points = dict(
        root=(0, 1, 0),
        spine=(0, 1.2, 0),
        thorax=(0, 1.45, 0),
        neck_base=(0, 1.6, 0),
        head=(0, 1.75, 0))
    for side, x in (('left', 1), ('right', -1)):
        for joint, across, height in (('hip', 0.1, 1), ('knee', 0.1, 0.55),
                                      ('foot', 0.1, 0.1), ('shoulder', 0.18,
                                                           1.45),
                                      ('elbow', 0.18, 1.17), ('wrist', 0.18,
                                                              0.92)):
            points[f'{side}_{joint}'] = (across * x, height, 0)
    return np.array([points[joint] for joint in H36M_17.joints])


def bend(points, at, moved, axis, degrees):
    """Turn some joints about another one."""
    turn = Rotation.from_rotvec(np.radians(degrees) * np.array(axis))
    center = points[INDEX[at]]
    for joint in moved:
        points[INDEX[joint]] = center + turn.apply(points[INDEX[joint]] -
                                                   center)


def test_angles_of_bends_by_hand():
    points = standing()
    names, angles = joint_angles(points, H36M_17)
    assert len(names) == 10
    np.testing.assert_allclose(angles, 0, atol=1e-5)
    bend(points, 'left_knee', ['left_foot'], [1, 0, 0], 35)
    bend(points, 'right_elbow', ['right_wrist'], [-1, 0, 0], 120)
    bend(points, 'right_shoulder', ['right_elbow', 'right_wrist'], [0, 0, 1],
         -90)
    bend(points, 'right_hip', ['right_knee', 'right_foot'], [-1, 0, 0], 80)
    expected = dict(
        left_knee=35, right_elbow=120, right_shoulder=90, right_hip=80)
    # Neither axes nor size matter.
    for seen in (points, 1000 * Rotation.random(random_state=0).apply(points)):
        _, angles = joint_angles(seen, H36M_17)
        for name, angle in zip(names, angles):
            assert angle == pytest.approx(expected.get(name, 0), abs=1e-5)


def test_small_angles_are_exact():
    points = standing()
    bend(points, 'left_knee', ['left_foot'], [1, 0, 0], 1e-4)
    names, angles = joint_angles(points, H36M_17)
    assert angles[names.index('left_knee')] == pytest.approx(1e-4, rel=1e-6)


def test_what_has_no_direction():
    points = np.stack([standing()] * 2)
    points[1, INDEX['left_foot']] = points[1, INDEX['left_knee']]
    names, angles = joint_angles(points, H36M_17)
    missing = np.argwhere(np.isnan(angles))
    assert missing.tolist() == [[1, names.index('left_knee')]]
    names, _ = joint_angles(np.zeros((33, 3)), MEDIAPIPE_33)
    assert names == ['right_elbow', 'left_elbow']
