# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Joint sets and the mappings between them."""

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from mmdiffpose.skeletons import (COCO_17, H36M_17, SKELETONS, get_skeleton,
                                  map_joints, mapping_matrix)

FINITE = st.floats(-2000, 2000, width=32)


@pytest.mark.parametrize('skeleton', SKELETONS.values(), ids=str)
def test_tree_and_pairs_are_consistent(skeleton):
    assert len(skeleton.parents) == skeleton.num_joints
    assert len(set(skeleton.joints)) == skeleton.num_joints
    assert len(skeleton.bones) == skeleton.num_joints - 1
    order = np.asarray(skeleton.flip_indices)
    assert (order[order] == np.arange(len(order))).all()
    for left, right in skeleton.flip_pairs:
        assert skeleton.joints[left] == 'left_' + skeleton.joints[right][6:]
    assert skeleton.adjacency().sum() == 2 * len(skeleton.bones)


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="'body_99'.*coco.*h36m"):
        get_skeleton('body_99')
    with pytest.raises(ValueError, match='from h36m to coco'):
        mapping_matrix(H36M_17, COCO_17)


def test_same_joints_map_to_themselves():
    assert (mapping_matrix(H36M_17, H36M_17) == np.eye(17)).all()


def test_coco_mapping_agrees_with_mmpose():
    """MMPose's inferencer and ours feed a lifter the same joints."""
    apis = pytest.importorskip('mmpose.apis')
    keypoints = np.random.default_rng(0).uniform(0, 1000, (4, 17, 2))
    ours, _ = map_joints(keypoints, np.ones((4, 17)), COCO_17, H36M_17)
    theirs = apis.convert_keypoint_definition(keypoints, 'coco', 'h36m')
    np.testing.assert_allclose(ours, theirs)


@settings(deadline=None, max_examples=25)
@given(
    hnp.arrays(np.float64, (2, 17, 2), elements=FINITE),
    hnp.arrays(np.float64, 2, elements=FINITE), st.floats(0.1, 10))
def test_mapping_commutes_with_similarities(keypoints, shift, scale):
    """Moving and zooming the picture moves and zooms every joint with it."""
    scores = np.ones((2, 17))
    direct, _ = map_joints(keypoints * scale + shift, scores, COCO_17, H36M_17)
    mapped, _ = map_joints(keypoints, scores, COCO_17, H36M_17)
    np.testing.assert_allclose(direct, mapped * scale + shift, atol=1e-6)


@settings(deadline=None, max_examples=25)
@given(hnp.arrays(np.float64, (2, 17, 2), elements=FINITE))
def test_mapping_keeps_left_and_right(keypoints):
    """Mirrored joints of one set are the mirrored joints of the other."""
    scores = np.ones((2, 17))
    mirrored, _ = map_joints(keypoints[:, list(COCO_17.flip_indices)], scores,
                             COCO_17, H36M_17)
    mapped, _ = map_joints(keypoints, scores, COCO_17, H36M_17)
    np.testing.assert_allclose(mirrored, mapped[:, list(H36M_17.flip_indices)])


def test_a_missing_joint_masks_what_needs_it_and_nothing_else():
    scores = np.full((1, 17), 0.9)
    scores[0, COCO_17.index['left_hip']] = 0
    _, mapped = map_joints(np.ones((1, 17, 2)), scores, COCO_17, H36M_17)
    missing = {H36M_17.joints[j] for j in np.flatnonzero(mapped[0] == 0)}
    assert missing == {'root', 'left_hip', 'spine'}
    assert (mapped[mapped > 0] == 0.9).all()


def test_wrong_joint_count_is_refused():
    with pytest.raises(ValueError, match='expected 17 joints, found 16'):
        map_joints(np.ones((1, 16, 2)), np.ones((1, 16)), COCO_17, H36M_17)
