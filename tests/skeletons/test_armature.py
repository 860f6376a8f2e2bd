# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Stiff bones: lengths, rotations, and what they may not do."""

import re
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from stiff_people import stiff_points

from mmdiffpose.skeletons import H36M_17, SKELETONS, Skeleton
from mmdiffpose.skeletons.armature import make_armature
from mmdiffpose.skeletons.armature_fit import bone_lengths, fit_armature

INDEX = H36M_17.index
ALL = np.ones((1, 17), bool)


def t_pose():
    """(17, 3): hips 20 cm, shoulders 36 cm apart, y up, facing +z."""
    points = dict(
        root=(0, 1, 0),
        spine=(0, 1.2, 0),
        thorax=(0, 1.45, 0),
        neck_base=(0, 1.6, 0),
        head=(0, 1.75, 0))
    for side, x in (('left', 1), ('right', -1)):
        points.update({
            f'{side}_hip': (0.1 * x, 1, 0),
            f'{side}_knee': (0.1 * x, 0.55, 0),
            f'{side}_foot': (0.1 * x, 0.1, 0),
            f'{side}_shoulder': (0.18 * x, 1.45, 0),
            f'{side}_elbow': (0.46 * x, 1.45, 0),
            f'{side}_wrist': (0.71 * x, 1.45, 0)
        })
    return np.array([points[joint] for joint in H36M_17.joints], float)


def fit(points, fps=50.):
    seen = np.isfinite(points).all(-1)
    return fit_armature(points, bone_lengths(points, seen, H36M_17), H36M_17,
                        fps)


def rotation_of(motion, node):
    index = motion.armature.index[node]
    return Rotation.from_matrix(motion.rotations[:, index])


def test_a_t_pose_is_the_rest():
    motion = fit(t_pose()[None])
    eye = np.broadcast_to(np.eye(3), motion.rotations.shape)
    np.testing.assert_allclose(motion.rotations, eye, atol=1e-12)
    np.testing.assert_allclose(motion.residuals, 0, atol=1e-12)
    armature = motion.armature
    # 17 joints, and one more for each of three bones at root and thorax.
    assert len(armature.names) == 23
    above = [armature.names[armature.parents[n]] for n in armature.joints]
    assert above[INDEX['left_knee']] == 'left_hip'
    assert above[INDEX['left_hip']] == 'root_to_left_hip'
    np.testing.assert_allclose(armature.offsets[armature.index['left_elbow']],
                               [0.28, 0, 0])


def test_a_turned_person_turns_at_the_root():
    turn = Rotation.from_rotvec([0, np.pi / 2, 0])
    motion = fit((turn.apply(t_pose()) + [1, 0, 2])[None])
    np.testing.assert_allclose(
        rotation_of(motion, 'root').as_rotvec(), [[0, np.pi / 2, 0]],
        atol=1e-9)
    for node in motion.armature.names[1:]:
        np.testing.assert_allclose(
            rotation_of(motion, node).magnitude(), 0, atol=1e-9)
    np.testing.assert_allclose(motion.roots, [[1 + 0, 1, 2]], atol=1e-12)


def bent_leg(twist, bend):
    """A T-pose whose left thigh points forwards, turned about itself, and
    whose knee is bent."""
    points = t_pose()
    thigh = Rotation.from_euler('X', -np.pi / 2) * Rotation.from_euler(
        'Y', twist)
    knee = Rotation.from_euler('X', bend)
    hip = points[INDEX['left_hip']]
    points[INDEX['left_knee']] = hip + thigh.apply([0, -0.45, 0])
    points[INDEX['left_foot']] = points[INDEX['left_knee']] + (
        thigh * knee).apply([0, -0.45, 0])
    return points, thigh, knee


@pytest.mark.parametrize('twist', [-0.8, 0.0, 0.5])
def test_a_bent_knee_tells_how_the_thigh_is_turned(twist):
    """The knee bends about its one axis; the rest is the thigh's."""
    points, thigh, knee = bent_leg(twist, 1.2)
    motion = fit(np.tile(points, (100, 1, 1)))
    error = (rotation_of(motion, 'left_hip')[-1] * thigh.inv()).magnitude()
    # sin(1.2)^2 = 0.87 pulls against the weight 0.025 of no twist.
    assert error < 0.03
    off = (rotation_of(motion, 'left_knee')[-1] * knee.inv()).magnitude()
    assert off < 0.03


def test_elbows_bend_forwards():
    points = t_pose()
    for side in ('left', 'right'):
        elbow = points[INDEX[f'{side}_elbow']]
        points[INDEX[f'{side}_wrist']] = elbow + [0, 0, 0.25]
    motion = fit(points[None])
    for side, sign in (('left', -1), ('right', 1)):
        np.testing.assert_allclose(
            rotation_of(motion, f'{side}_shoulder').magnitude(), 0, atol=1e-9)
        np.testing.assert_allclose(
            rotation_of(motion, f'{side}_elbow').as_rotvec(),
            [[0, sign * np.pi / 2, 0]],
            atol=1e-9)


def test_a_nod_turns_no_shoulders():
    points = t_pose()
    base, head = INDEX['neck_base'], INDEX['head']
    points[base], points[head] = [0, 1.55, 0.11], [0, 1.6, 0.25]
    motion = fit(points[None])
    np.testing.assert_allclose(
        rotation_of(motion, 'thorax').magnitude(), 0, atol=1e-9)


def largest_step(motion):
    """Radians from one frame to the next, of any node."""
    rotations = motion.rotations
    steps = np.swapaxes(rotations[:-1], -1, -2) @ rotations[1:]
    return Rotation.from_matrix(steps.reshape(-1, 3, 3)).magnitude().max()


def test_an_arm_that_passes_the_opposite_of_its_rest_does_not_flip():
    """The left arm sweeps past straight right, where the least rotation from
    the T-pose changes its axis from one frame to the next."""
    angles = np.linspace(np.pi - 0.6, np.pi + 0.6, 61)
    points = np.tile(t_pose(), (len(angles), 1, 1))
    arm = np.stack(
        [np.cos(angles),
         np.full(len(angles), 0.02),
         np.sin(angles)], -1)
    arm /= np.linalg.norm(arm, axis=-1, keepdims=True)
    shoulder = points[:, INDEX['left_shoulder']]
    points[:, INDEX['left_elbow']] = shoulder + 0.28 * arm
    points[:, INDEX['left_wrist']] = shoulder + 0.53 * arm
    motion = fit(points)
    assert motion.residuals.max() < 1e-9
    # A frame's own 0.02, and what the twist is allowed.
    assert largest_step(motion) < 0.05


def test_bones_of_real_motion_turn_smoothly_and_fit():
    points = stiff_points(frames=300)
    motion = fit(points)
    assert motion.residuals.max() < 1e-9
    # Jumping at 50 frames a second: the fastest bone makes 14 degrees.
    assert largest_step(motion) < np.radians(20)
    names = motion.armature.names
    assert all(name.replace('_', '').isalnum() for name in names)
    turned = motion.rotations @ np.swapaxes(motion.rotations, -1, -2)
    np.testing.assert_allclose(
        turned, np.broadcast_to(np.eye(3), turned.shape), atol=1e-9)


def test_lengths_are_robust_and_may_be_symmetric():
    points = np.tile(t_pose(), (5, 1, 1))
    points[4, INDEX['left_foot']] = [9, 9, 9]
    points[:, INDEX['right_foot'], 1] = 0.05
    seen = np.ones((5, 17), bool)
    lengths = bone_lengths(points, seen, H36M_17)
    assert lengths[INDEX['left_foot']] == pytest.approx(0.45)
    assert lengths[INDEX['right_foot']] == pytest.approx(0.5)
    assert lengths[0] == 0
    both = bone_lengths(points, seen, H36M_17, symmetric=True)
    assert both[INDEX['left_foot']] == both[INDEX['right_foot']]
    assert both[INDEX['left_foot']] == pytest.approx(0.475)
    # What was seen counts, where anything was.
    seen[:4, INDEX['left_foot']] = False
    far = bone_lengths(points, seen, H36M_17)[INDEX['left_foot']]
    assert far == pytest.approx(np.linalg.norm([8.9, 8.45, 9]))
    seen[:, INDEX['left_foot']] = False
    assert bone_lengths(points, seen,
                        H36M_17)[INDEX['left_foot']] == pytest.approx(0.45)


def test_a_hole_is_bridged_by_direction():
    """The forearm turns by 20 degrees a frame; one frame has no wrist."""
    points = np.tile(t_pose(), (5, 1, 1))
    elbow, wrist = INDEX['left_elbow'], INDEX['left_wrist']
    angles = np.radians([0, 20, 40, 60, 80])
    points[:, wrist] = points[:, elbow] + 0.25 * np.stack(
        [np.cos(angles), 0 * angles,
         np.sin(angles)], -1)
    whole = points.copy()
    points[2, wrist] = np.nan
    motion = fit(points)
    assert np.isnan(motion.residuals[2, wrist])
    posed = motion.armature.pose(motion.roots, motion.rotations)
    np.testing.assert_allclose(posed[2, wrist], whole[2, wrist], atol=1e-9)
    points[:, wrist] = np.nan
    with pytest.raises(ValueError, match='left_elbow to left_wrist'):
        fit(points)


KNOWN = ('h36m', 'coco', 'halpe26', 'mpii', 'aic', 'crowdpose', 'posetrack18',
         'mpi_inf_3dhp', 'body25', 'body25b', 'coco18', 'lsp', 'openpose_mpi',
         'mediapipe')
REFUSED = ('coco_wholebody', 'halpe136')


def moving(skeleton, frames=60):
    """Places of the joints of somebody whose every bone swings, y up."""
    rng = np.random.default_rng(1)
    armature = make_armature(skeleton,
                             rng.uniform(0.1, 0.5, skeleton.num_joints))
    time = np.linspace(0, 1.5, frames)[:, None, None]
    K = len(armature.names)
    vectors = 0.5 * np.sin(2 * time + rng.uniform(0, 6, (1, K, 3)))
    rotations = Rotation.from_rotvec(vectors.reshape(-1, 3)).as_matrix()
    roots = np.c_[time[:, 0, 0], np.ones(frames), np.zeros(frames)]
    return armature.pose(roots, rotations.reshape(frames, K, 3, 3))


@pytest.mark.parametrize('name', KNOWN)
def test_other_joint_sets_move_by_their_names(name):
    skeleton = SKELETONS[name]
    points = moving(skeleton)
    seen = np.ones(points.shape[:2], bool)
    motion = fit_armature(points, bone_lengths(points, seen, skeleton),
                          skeleton, 40.)
    assert motion.residuals.max() < 1e-6
    names = motion.armature.file_names
    assert len(set(names)) == len(names)
    assert all(re.fullmatch('[A-Za-z0-9_]+', node) for node in names)
    # No bone jumps about itself.
    steps = np.swapaxes(motion.rotations[:-1], -1, -2) @ motion.rotations[1:]
    turns = np.arccos(
        ((np.trace(steps, axis1=-2, axis2=-1) - 1) / 2).clip(-1, 1))
    assert np.rad2deg(turns).max() < 30


def test_all_joint_sets_are_known_or_refused():
    assert {*KNOWN, *REFUSED} == set(SKELETONS)


def test_names_in_anybodys_spelling():
    """A root that is no pelvis, and names that viewers would change."""
    own = Skeleton('own', ('Hips', 'L.Hip', 'LKnee', 'rig:LAnkle', 'RHip'),
                   (-1, 0, 1, 2, 0), ((1, 4), ))
    with pytest.raises(ValueError, match="own.*T-pose.*'rig:LAnkle'"):
        make_armature(own, np.ones(5))
    own = replace(own, joints=('Hips', 'L.Hip', 'LKnee', 'L.Ankle', 'RHip'))
    armature = make_armature(own, np.ones(5))
    places = dict(
        zip(
            own.joints,
            armature.pose(
                np.zeros((1, 3)),
                np.tile(np.eye(3), (1, len(armature.names), 1, 1)))[0]))
    np.testing.assert_allclose(places['L.Hip'], [1, 0, 0], atol=1e-9)
    np.testing.assert_allclose(places['LKnee'], [1, -1, 0], atol=1e-9)
    np.testing.assert_allclose(places['L.Ankle'], [1, -2, 0], atol=1e-9)
    assert 'L_Ankle' in armature.file_names
    assert armature.file_names.count('L_Hip') == 1


@pytest.mark.parametrize('skeleton, message', [
    (SKELETONS['coco_wholebody'], 'coco_wholebody.*T-pose'),
    (Skeleton('cat', ('root', 'spine', 'tail'), (-1, 0, 0),
              ()), r"cat.*T-pose.*\['tail'\]"),
    (Skeleton(
        'torn', ('root', 'spine', 'head'), (-1, 0, -1),
        (), root_joint=0), r"torn.*a bone to every joint.*\['head'\]"),
])
def test_a_skeleton_without_a_t_pose_is_refused(skeleton, message):
    with pytest.raises(ValueError, match=message):
        make_armature(skeleton, np.ones(skeleton.num_joints))
