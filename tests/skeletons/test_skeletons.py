# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Joint sets and the mappings between them."""

from pathlib import Path

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from mmdiffpose.skeletons import (BODY_25, COCO_17, H36M_17, JOINT_ORDERS,
                                  SKELETONS, Skeleton, get_skeleton,
                                  map_joints, mapping_matrix)

FINITE = st.floats(-2000, 2000, width=32)
every_skeleton = pytest.mark.parametrize(
    'skeleton', SKELETONS.values(), ids=list(SKELETONS))
SOURCES = st.sampled_from(sorted(SKELETONS)).map(get_skeleton)


@every_skeleton
def test_tree_and_pairs_are_consistent(skeleton):
    assert len(skeleton.parents) == skeleton.num_joints
    assert len(set(skeleton.joints)) == skeleton.num_joints
    assert len(skeleton.bones) == skeleton.num_joints - 1
    order = np.asarray(skeleton.flip_indices)
    assert (order[order] == np.arange(len(order))).all()
    for left, right in skeleton.flip_pairs:
        names = skeleton.joints[left], skeleton.joints[right]
        if not names[0].startswith('face-'):
            assert names[0] == 'left_' + names[1].removeprefix('right_')
    assert skeleton.adjacency().sum() == 2 * len(skeleton.bones)


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="'body_99'.*coco.*h36m"):
        get_skeleton('body_99')
    with pytest.raises(ValueError, match='from h36m to coco'):
        mapping_matrix(H36M_17, COCO_17)


def test_same_joints_map_to_themselves():
    assert (mapping_matrix(H36M_17, H36M_17) == np.eye(17)).all()


def metainfo(name):
    """MMPose's own description of a joint set."""
    config = pytest.importorskip('mmengine.config')
    package = Path(pytest.importorskip('mmpose').__file__).parent
    found = [
        folder / 'configs/_base_/datasets' / f'{name}.py'
        for folder in (package / '.mim', package.parent)
    ]
    found = [path for path in found if path.is_file()]
    if not found:
        pytest.skip("MMPose's configs are not installed")
    base = config.Config.fromfile(found[0])
    joints = base.dataset_info.keypoint_info
    return [joints[i] for i in range(len(joints))]


@pytest.mark.parametrize('name', [
    'aic', 'coco', 'coco_wholebody', 'crowdpose', 'h36m', 'halpe26', 'mpii',
    'posetrack18', 'mpi_inf_3dhp'
])
def test_names_order_and_flips_are_mmposes(name):
    skeleton, theirs = SKELETONS[name], metainfo(name)
    # MMPose calls MPI-INF-3DHP's pelvis the root.
    own = {'pelvis': 'root'} if name == 'mpi_inf_3dhp' else {}
    joints = [own.get(joint, joint) for joint in skeleton.joints]
    assert joints == [joint['name'] for joint in theirs]
    swapped = [joint['swap'] or joint['name'] for joint in theirs]
    assert [joints[i] for i in skeleton.flip_indices] == swapped


def test_halpe136_is_halpe26_with_a_face_and_hands():
    joints = SKELETONS['halpe136'].joints
    assert joints[:26] == SKELETONS['halpe26'].joints
    assert joints[26:] == SKELETONS['coco_wholebody'].joints[23:]


def test_body25b_is_coco_with_head_and_feet():
    """OpenPose's POSE_BODY_25B_BODY_PARTS, by hand."""
    joints = SKELETONS['body25b'].joints
    assert joints[:17] == COCO_17.joints
    assert joints[17:] == ('upper_neck', 'head_top', 'left_big_toe',
                           'left_small_toe', 'left_heel', 'right_big_toe',
                           'right_small_toe', 'right_heel')


def test_mpi_inf_3dhp_maps_as_its_evaluation_reorders():
    source = SKELETONS['mpi_inf_3dhp']
    keypoints = np.random.default_rng(0).random((3, 17, 2))
    mapped, _ = map_joints(keypoints, np.ones((3, 17)), source, H36M_17)
    np.testing.assert_allclose(
        mapped, keypoints[:, list(JOINT_ORDERS['mpi_inf_3dhp'])])


def test_body25_is_openposes_older_set_with_hips_and_feet():
    """MMPose describes OpenPose's 18 joints: these, in the same order."""
    older = [joint['name'] for joint in metainfo('coco_openpose')]
    joints = list(BODY_25.joints)
    assert joints.pop(8) == 'mid_hip'
    assert joints[:18] == older
    assert joints[18:] == [
        f'{side}_{part}' for side in ('left', 'right')
        for part in ('big_toe', 'small_toe', 'heel')
    ]


@pytest.mark.parametrize('name', ['coco', 'posetrack18', 'aic', 'crowdpose'])
def test_mapping_agrees_with_mmpose(name):
    """MMPose's inferencer and ours feed a lifter the same joints."""
    apis = pytest.importorskip('mmpose.apis')
    source = SKELETONS[name]
    keypoints = np.random.default_rng(0).uniform(0, 1000,
                                                 (4, source.num_joints, 2))
    ours, scores = map_joints(keypoints, np.ones(keypoints.shape[:2]), source,
                              H36M_17)
    theirs = apis.convert_keypoint_definition(keypoints, name, 'h36m')
    np.testing.assert_allclose(ours, theirs)
    assert (scores == 1).all()


@pytest.mark.parametrize('name, expected', [
    ('halpe26', dict(root='hip', neck_base='nose', head='head')),
    ('body25', dict(root='mid_hip', neck_base='nose')),
    ('mpii',
     dict(
         root='pelvis',
         thorax='thorax',
         neck_base='upper_neck',
         head='head_top')),
])
def test_joints_that_the_detector_has_itself_are_taken(name, expected):
    source = SKELETONS[name]
    matrix = mapping_matrix(source, H36M_17)
    for joint, part in expected.items():
        assert matrix[H36M_17.index[joint], source.index[part]] == 1


@every_skeleton
def test_weights_are_means_of_the_joints_own_side(skeleton):
    """No joint of the left is made of the right's, and none of a limb of
    another limb's."""
    matrix = mapping_matrix(skeleton, H36M_17)
    np.testing.assert_allclose(matrix.sum(1), 1)
    assert (matrix >= 0).all()
    for joint, row in zip(H36M_17.joints, matrix):
        side, _, part = joint.partition('_')
        if side in ('left', 'right'):
            name, = (skeleton.joints[i] for i in np.flatnonzero(row))
            expected = part if part in name else part.replace('foot', 'ankle')
            assert name == f'{side}_{expected}'


def test_a_joint_that_the_detector_has_not_is_masked():
    joints = ('left_hip', 'right_hip', 'left_knee')
    legs = Skeleton('legs', joints, (-1, 0, 0), ((0, 1), ))
    keypoints, scores = map_joints(
        np.ones((5, 3, 2)), np.full((5, 3), .7), legs, H36M_17)
    assert np.isfinite(keypoints).all()
    seen = [H36M_17.joints[j] for j in np.flatnonzero(scores[0])]
    assert seen == ['root', 'right_hip', 'left_hip', 'left_knee']
    knees = Skeleton('knees', ('left_knee', ), (-1, ), ())
    with pytest.raises(ValueError, match='from knees.*known.*aic.*posetrack'):
        mapping_matrix(knees, H36M_17)


@settings(deadline=None, max_examples=40)
@given(SOURCES, st.integers(0, 2**32 - 1),
       hnp.arrays(np.float64, 2, elements=FINITE), st.floats(0.1, 10))
def test_mapping_commutes_with_similarities(source, seed, shift, scale):
    """Moving and zooming the picture moves and zooms every joint with it."""
    shape = (2, source.num_joints)
    keypoints = np.random.default_rng(seed).uniform(0, 2000, (*shape, 2))
    direct, _ = map_joints(keypoints * scale + shift, np.ones(shape), source,
                           H36M_17)
    mapped, _ = map_joints(keypoints, np.ones(shape), source, H36M_17)
    np.testing.assert_allclose(direct, mapped * scale + shift, atol=1e-6)


@settings(deadline=None, max_examples=40)
@given(SOURCES, st.integers(0, 2**32 - 1))
def test_mapping_keeps_left_and_right(source, seed):
    """Mirrored joints of one set are the mirrored joints of the other."""
    shape = (2, source.num_joints)
    rng = np.random.default_rng(seed)
    keypoints, scores = rng.uniform(0, 2000, (*shape, 2)), rng.random(shape)
    scores[rng.random(shape) < .3] = 0  # others stand in for some
    order = list(source.flip_indices)
    mirrored = map_joints(keypoints[:, order], scores[:, order], source,
                          H36M_17)
    mapped = map_joints(keypoints, scores, source, H36M_17)
    for one, other in zip(mirrored, mapped):
        one[mirrored[1] == 0] = other[mapped[1] == 0] = 0
        np.testing.assert_allclose(one, other[:, list(H36M_17.flip_indices)])


@settings(deadline=None, max_examples=40)
@given(SOURCES, st.data())
def test_a_missing_joint_masks_what_needs_it_and_nothing_else(source, data):
    missing = data.draw(st.sets(st.integers(0, source.num_joints - 1)))
    scores = np.full((1, source.num_joints), 0.9)
    scores[0, list(missing)] = 0
    _, mapped = map_joints(
        np.ones((1, source.num_joints, 2)), scores, source, H36M_17)
    needs = mapping_matrix(source, H36M_17)[:, sorted(missing)].any(1)
    assert (mapped[0, ~needs] == 0.9).all()
    # Others may stand in, and are trusted less.
    assert (mapped[0, needs] < 0.9).all()
    for joint in np.flatnonzero(needs):
        name = H36M_17.joints[joint]
        if name.startswith(('left', 'right')):
            assert mapped[0, joint] == 0


def with_coco_missing(*missing):
    """Joints of a COCO person at (index, 2 * index), some not seen."""
    scores = np.full(17, 0.8)
    scores[[COCO_17.index[name] for name in missing]] = 0
    places = np.arange(17.)[:, None] * [1, 2]
    places[scores == 0] = 0
    mapped, sure = map_joints(places, scores, COCO_17, H36M_17)
    return {
        name: (mapped[j, 0], round(sure[j], 6))
        for j, name in enumerate(H36M_17.joints)
    }


def test_seen_from_behind_ears_say_where_the_head_is():
    """Ears are COCO's joints 3 and 4, shoulders 5 and 6."""
    full = with_coco_missing()
    assert full['head'] == (1.5, 0.8) and full['neck_base'] == (0, 0.8)
    back = with_coco_missing('nose', 'left_eye', 'right_eye')
    assert back['head'] == (3.5, 0.64)
    # The chin: half-way between ears and shoulders.
    assert back['neck_base'] == (4.5, 0.64)
    rest = set(full) - {'head', 'neck_base'}
    assert all(back[name] == full[name] for name in rest)
    nothing = with_coco_missing('nose', 'left_eye', 'right_eye', 'left_ear',
                                'right_ear')
    assert nothing['head'][1] == nothing['neck_base'][1] == 0


def test_seen_from_the_side_one_side_stands_in():
    side = with_coco_missing('left_eye', 'left_ear', 'left_shoulder',
                             'left_hip')
    assert side['head'] == (3, 0.56)  # right eye and ear: 2 and 4
    assert side['root'] == (12, 0.52) and side['thorax'] == (6, 0.32)
    assert side['spine'] == (9, 0.32)
    assert side['left_hip'][1] == side['left_shoulder'][1] == 0
    # A chin needs both shoulders; the nose was seen.
    assert side['neck_base'] == (0, 0.8)
    ear = with_coco_missing('left_eye', 'right_eye', 'left_ear')
    assert ear['head'] == (4, 0.4)
    nose = with_coco_missing('left_eye', 'right_eye', 'left_ear', 'right_ear')
    assert nose['head'] == (0, 0.48)


def test_missing_hip():
    scores = np.full((1, 17), 0.9)
    scores[0, COCO_17.index['left_hip']] = 0
    _, mapped = map_joints(np.ones((1, 17, 2)), scores, COCO_17, H36M_17)
    missing = {H36M_17.joints[j] for j in np.flatnonzero(mapped[0] == 0)}
    assert missing == {'left_hip'}
    scores[0, COCO_17.index['right_hip']] = 0
    _, mapped = map_joints(np.ones((1, 17, 2)), scores, COCO_17, H36M_17)
    missing = {H36M_17.joints[j] for j in np.flatnonzero(mapped[0] == 0)}
    assert missing == {'left_hip', 'right_hip', 'root', 'spine'}


def test_wrong_joint_count_is_refused():
    with pytest.raises(ValueError, match='expected 17 joints, found 16'):
        map_joints(np.ones((1, 16, 2)), np.ones((1, 16)), COCO_17, H36M_17)
