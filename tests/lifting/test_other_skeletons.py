# Copyright (c) mmdiffpose contributors. All rights reserved.
"""A lifter of other joints, from a detector's joints to files' names."""
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope
from other_orders import NAMES, ORDER, metainfo, taken

import mmdiffpose
from mmdiffpose.checkpoints.config_skeleton import restate_skeleton
from mmdiffpose.checkpoints.joint_transfer import joint_axes, reorder_weights
from mmdiffpose.checkpoints.model import init_model
from mmdiffpose.files.keypoint_files import read_keypoint_tracks
from mmdiffpose.lifting.lift import lift_tracks
from mmdiffpose.registry import MODELS
from mmdiffpose.skeletons import (COCO_17, H36M_17, LSP_14, Skeleton,
                                  mapping_matrix, skeleton_from_metainfo)
from mmdiffpose.skeletons.mapping import joint_share

TRACK = Path(mmdiffpose.__file__).parent / 'data/demo_track_coco17.json'


def test_an_inferencer_gives_the_same_poses_of_a_detectors_joints():
    """COCO's joints go to others than Human3.6M's by what these stand for."""
    own = skeleton_from_metainfo(metainfo())
    model = init_model(
        'mixste', cfg_options={'model.test_cfg.flip_test': True})
    config = Config(dict(model=model.cfg.model.to_dict()))
    restate_skeleton(config, own)
    init_default_scope('mmpose')
    other = MODELS.build(config.model).eval()
    axes = joint_axes(config.model, own)
    other.load_state_dict(reorder_weights(model.state_dict(), axes, ORDER))
    other.test_cfg = model.test_cfg
    other.cfg = model.cfg.copy()
    restate_skeleton(other.cfg, own)
    for step in other.cfg.test_dataloader.dataset.pipeline:
        if 'encoder' in step:
            step.encoder.root_index = own.root
    # What init_model adds: of the order, names alone differ.
    other.dataset_meta = dict(
        model.dataset_meta, flip_indices=list(own.flip_indices))
    other.skeleton = own
    track = read_keypoint_tracks(TRACK)[0]
    right, = lift_tracks(model, [track])
    got, = lift_tracks(other, [track])
    assert got.skeleton.joints == tuple(NAMES)
    np.testing.assert_allclose(
        got.keypoints_3d, taken(right.keypoints_3d), atol=2e-4)
    np.testing.assert_allclose(got.std, taken(right.std, axis=-1), atol=2e-4)


def test_a_detectors_joints_make_those_of_other_sets_by_name():
    matrix = mapping_matrix(COCO_17, LSP_14)
    neck = dict(zip(COCO_17.joints, matrix[LSP_14.index['neck']]))
    assert {
        k: v
        for k, v in neck.items() if v
    } == dict(
        left_shoulder=.5, right_shoulder=.5)
    ankle = matrix[LSP_14.index['left_ankle']]
    assert np.flatnonzero(ankle) == COCO_17.index['left_ankle']
    # COCO has no top of the head: missing, not made up.
    assert not matrix[LSP_14.index['head_top']].any()


def test_joints_that_nothing_is_like_are_said():
    names = ['Hips', 'LeftKnee', 'RightKnee', 'LeftThumb', 'Tail']
    own = Skeleton('own', tuple(names), (-1, 0, 0, 0, 0), ((1, 2), ))
    with pytest.warns(UserWarning, match="nothing for.*'LeftThumb', 'Tail'"):
        matrix = mapping_matrix(COCO_17, own)
    assert matrix.any(1).tolist() == [True, True, True, False, False]
    bones = ['Hips', 'LeftUpLeg', 'RightUpLeg', 'LeftLeg', 'RightLeg']
    own = Skeleton('bvh', tuple(bones), (-1, 0, 0, 1, 2), ((1, 2), (3, 4)))
    with pytest.raises(ValueError, match=r"only \['Hips'\] have a like"):
        mapping_matrix(COCO_17, own)


@pytest.mark.parametrize('skeleton', [H36M_17, LSP_14])
def test_the_thorax_is_there_under_other_names(skeleton):
    share = joint_share(skeleton, 'thorax')
    found = {skeleton.joints[i] for i in np.flatnonzero(share)}
    assert found in ({'thorax'}, {'left_shoulder', 'right_shoulder'})
