# Copyright (c) mmdiffpose contributors. All rights reserved.
import numpy as np
import pytest

from mmdiffpose.evaluation.functional import (JOINT_ORDERS, cut_sequences,
                                              segment_lengths, segment_std,
                                              segments, symmetric_segments,
                                              symmetry_gap)
from mmdiffpose.skeletons import H36M_17


def straight_skeleton():
    """Joint positions with every bone along x, 10 per level of the tree."""
    poses = np.zeros((17, 3))
    for parent, child in H36M_17.bones:
        poses[child] = poses[parent] + (10, 0, 0)
    return poses


def test_segments_by_name():
    names = {(H36M_17.joints[a], H36M_17.joints[b]) for a, b in segments()}
    assert len(names) == 16
    assert ('thorax', 'left_shoulder') in names
    assert ('right_knee', 'right_foot') in names
    official = {(H36M_17.joints[a], H36M_17.joints[b])
                for a, b in segments('official')}
    assert official - names == {('spine', 'left_shoulder'),
                                ('spine', 'right_shoulder')}


def test_pairs_are_left_and_right_of_the_same_segment():
    bones = segments()
    for left, right in symmetric_segments():
        mirrored = tuple(H36M_17.flip_indices[i] for i in bones[left])
        assert mirrored == bones[right]
        assert H36M_17.joints[bones[left][1]].startswith('left')
    assert len(symmetric_segments()) == 6


def test_symmetry_gap_by_hand():
    poses = straight_skeleton()
    assert symmetry_gap(segment_lengths(poses)) == 0
    # A left forearm that is 12 longer: one of six pairs differs.
    poses[H36M_17.index['left_wrist'], 0] += 12
    assert symmetry_gap(segment_lengths(poses)) == pytest.approx(2)


def test_official_mode_measures_the_clavicle_from_the_spine():
    poses = straight_skeleton()
    clavicle = segments().index((8, 11))
    assert segment_lengths(poses)[clavicle] == 10
    assert segment_lengths(poses, 'official')[clavicle] == 20


def test_segment_std_by_hand_in_both_modes():
    poses = np.stack([straight_skeleton()] * 4)
    # The left shin is 10, 12, 14, 16 long.
    poses[:, H36M_17.index['left_foot'], 0] += (0, 2, 4, 6)
    lengths = segment_lengths(poses)
    assert segment_std(lengths) == pytest.approx(np.sqrt(5) / 16)
    assert segment_std(lengths,
                       'official') == pytest.approx(np.sqrt(5 * 4 / 3) / 16)


def test_27_frames_differ_by_bessels_correction():
    lengths = np.random.default_rng(0).normal(size=(3, 27, 16))
    ratio = segment_std(lengths, 'official') / segment_std(lengths)
    np.testing.assert_allclose(ratio, np.sqrt(27 / 26))


def test_joint_order_only_renames():
    poses = np.random.default_rng(1).normal(size=(5, 17, 3))
    other = np.empty_like(poses)
    other[:, list(JOINT_ORDERS['mpi_inf_3dhp'])] = poses
    np.testing.assert_array_equal(
        segment_lengths(other, joint_order='mpi_inf_3dhp'),
        segment_lengths(poses))


def test_sequences_span_no_gap_and_drop_the_tail():
    frame_ids = np.array([0, 1, 2, 3, 4, 9, 10, 20])
    runs = cut_sequences(frame_ids, 2)
    assert [run.tolist() for run in runs] == [[[0, 1], [2, 3]], [[5, 6]]]
    runs = cut_sequences(frame_ids, None)
    assert [run.tolist() for run in runs] == [[[0, 1, 2, 3, 4]], [[5, 6]]]
    runs = cut_sequences(np.array([0, 5, 10]), 3, step=5)
    assert [run.tolist() for run in runs] == [[[0, 1, 2]]]


def test_bad_input():
    with pytest.raises(ValueError, match='mode'):
        segments('released')
    with pytest.raises(ValueError, match='17 joints'):
        segment_lengths(np.zeros((4, 16, 3)))
    with pytest.raises(ValueError, match='more than 1 frames'):
        segment_std(np.zeros((1, 16)), 'official')
