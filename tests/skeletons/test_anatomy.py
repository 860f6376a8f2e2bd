# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Joint sets are told apart by what people look like, and by names."""

import numpy as np
import pytest
from projected_people import as_layout, seen

from mmdiffpose.skeletons import (COCO_17, H36M_17, SKELETONS, layout_costs,
                                  map_joints, skeleton_from_names)
from mmdiffpose.skeletons.joint_names import canonical_joint

VIEWS = [
    dict(turn=0),
    dict(turn=90),
    dict(turn=200, aside=1.),
    dict(turn=140, name='ClimbBoxes_0', start=100)
]
LEGS = ('knee', 'ankle', 'foot', 'toe', 'heel')


def dearest(joints, scores, name):
    return max(layout_costs(joints, scores, SKELETONS[name]).values())


@pytest.mark.parametrize('name', sorted(SKELETONS))
def test_people_cost_little_as_what_they_are_and_much_as_all_else(name):
    """From all sides; sets with as many joints are the ones in question."""
    count = SKELETONS[name].num_joints
    others = [
        n for n, s in SKELETONS.items() if s.num_joints == count and n != name
    ]
    for view in VIEWS:
        _, pixels = seen(40, **view)
        joints = as_layout(pixels, name)
        joints = joints + np.random.default_rng(0).normal(0, 4, joints.shape)
        scores = np.full(joints.shape[:2], .9)
        own = dearest(joints, scores, name)
        assert own < 1
        for other in others:
            assert dearest(joints, scores, other) > 1.2 * own


def test_sets_that_tools_mix_up_are_far_apart():
    _, pixels = seen(40)
    scores = np.ones((40, 25))
    assert dearest(as_layout(pixels, 'body25b'), scores, 'body25') > 3
    assert dearest(as_layout(pixels, 'body25'), scores, 'body25b') > 3
    scores = np.ones((40, 17))
    for one in ('coco', 'h36m', 'mpi_inf_3dhp'):
        for other in ('coco', 'h36m', 'mpi_inf_3dhp'):
            if one != other:
                cost = dearest(as_layout(pixels, one), scores, other)
                assert cost > 1.4, (one, other)


def test_without_legs_and_without_anything():
    _, pixels = seen(40)
    joints = as_layout(pixels, 'coco')
    scores = np.ones((40, 17))
    for i, joint in enumerate(COCO_17.joints):
        if any(part in joint for part in LEGS):
            scores[:, i] = 0
    costs = layout_costs(joints, scores, COCO_17)
    assert max(costs.values()) < 1.2
    assert not any('knee' in name for name in costs)
    assert layout_costs(joints, scores * 0, COCO_17) == {}


def test_hand_made_costs():
    """A stick figure of 100 pixels whose right wrist lies at the left knee.

    The forearm is then as long as the person is tall, and a person's is at
    most 0.45 of it.
    """
    stick = dict(
        left_shoulder=(60, 20),
        right_shoulder=(40, 20),
        left_elbow=(60, 40),
        right_elbow=(40, 20),
        left_wrist=(60, 60),
        right_wrist=(40, 100),
        left_hip=(58, 50),
        right_hip=(42, 50),
        nose=(50, 0))
    joints = np.full((1, 17, 2), 0.)
    scores = np.zeros((1, 17))
    for joint, place in stick.items():
        joints[0, COCO_17.index[joint]] = place
        scores[0, COCO_17.index[joint]] = 1
    costs = layout_costs(joints, scores, COCO_17)
    assert costs['right wrist near the elbow'] == pytest.approx(.8 / .45)
    assert costs['left wrist near the elbow'] == pytest.approx(.2 / .45)
    # The nose stands 50 above the hips, the shoulders 30: at 5 / 3.
    assert costs['nose beyond the shoulders'] == pytest.approx(3 - 10 / 3)
    assert costs['hips together'] == pytest.approx(.16 / .35)


@pytest.mark.parametrize('name, expected', [
    ('LShoulder', 'left_shoulder'),
    ('l_shoulder', 'left_shoulder'),
    ('shoulder_left', 'left_shoulder'),
    ('Left Shoulder', 'left_shoulder'),
    ('left_sho', 'left_shoulder'),
    ('leftshoulder', 'left_shoulder'),
    ('RBigToe', 'right_big_toe'),
    ('RKnee', 'right_knee'),
    ('right_ankle', 'right_ankle'),
    ('R-Wri', 'right_wrist'),
    ('RightHip', 'right_hip'),
    ('MidHip', 'mid_hip'),
    ('Hip', 'mid_hip'),
    ('pelvis', 'mid_hip'),
    ('Neck', 'neck'),
    ('HeadTop', 'head_top'),
    ('Head', 'head'),
    ('left_eye', 'left_eye'),
    ('tail', 'tail'),
])
def test_spellings(name, expected):
    assert canonical_joint(name) == expected


@pytest.mark.parametrize('name', sorted(SKELETONS))
def test_own_names_are_known_and_permuted_ones_map_alike(name):
    skeleton = SKELETONS[name]
    assert skeleton_from_names(skeleton.joints, 'x') is skeleton
    rng = np.random.default_rng(0)
    order = rng.permutation(skeleton.num_joints)
    names = [skeleton.joints[i] for i in order]
    permuted = skeleton_from_names(names, 'mine')
    assert permuted.name == 'mine' and permuted.parents.count(-1) == 1
    keypoints = rng.random((3, skeleton.num_joints, 2))
    scores = rng.random(keypoints.shape[:2])
    expected = map_joints(keypoints, scores, skeleton, H36M_17)
    found = map_joints(keypoints[:, order], scores[:, order], permuted,
                       H36M_17)
    for one, other in zip(found, expected):
        np.testing.assert_allclose(one, other)


def test_other_sets_map_by_their_names():
    names = ['Nose', 'LShoulder', 'RShoulder', 'LHip', 'RHip', 'LKnee', 'Tail']
    skeleton = skeleton_from_names(names, 'cat')
    assert skeleton.flip_pairs == ((1, 2), (3, 4))
    keypoints = np.arange(14.).reshape(1, 7, 2)
    mapped, scores = map_joints(keypoints, np.ones((1, 7)), skeleton, H36M_17)
    at = H36M_17.index
    assert mapped[0, at['root']].tolist() == [7, 8]
    assert mapped[0, at['thorax']].tolist() == [3, 4]
    assert mapped[0, at['left_knee']].tolist() == [10, 11]
    assert scores[0, at['right_knee']] == 0
    for wrong, message in ((['a', 'b'], 'the hips'), ([], 'names of joints'),
                           ([1, 2], 'names of joints'),
                           (['LHip', 'left_hip', 'RHip'], 'twice')):
        with pytest.raises(ValueError, match=message):
            skeleton_from_names(wrong, 'x')
