# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Joints and frames that a recording does not know."""
import numpy as np
import pytest
from walking_person import OneSequence, sequence

from mmdiffpose.datasets.windows.sequence import fill_unknown


def hidden(value_3d, value_2d=0.):
    """Joint 4 unknown, all of frames 50 to 99, joint 7 unseen."""
    own = sequence()
    own.visible = np.ones((200, 17))
    own.visible[:, 4] = own.visible[50:100] = 0
    own.keypoints_3d[own.visible == 0] = value_3d
    own.scores[:, 7] = 0
    own.keypoints_2d[:, 7] = value_2d
    return own


@pytest.mark.parametrize('test_mode', [False, True])
def test_no_placeholder_reaches_a_sample(test_mode):
    first = OneSequence(hidden(0.), test_mode=test_mode)
    for value in (8., np.nan, np.inf):
        other = OneSequence(hidden(value, value), test_mode=test_mode)
        assert len(other) == len(first)
        for one, two in zip(first, other):
            for key in ('keypoints', 'lifting_target'):
                np.testing.assert_array_equal(one[key], two[key])


def test_samples_say_what_is_known():
    dataset = OneSequence(hidden(np.nan))
    for sample in dataset:
        context = (50 <= sample['frame_ids']) & (sample['frame_ids'] < 100)
        expected = np.ones((9, 17))
        expected[:, 4] = 0
        expected[context] = 0
        np.testing.assert_array_equal(sample['lifting_target_visible'],
                                      expected)
        np.testing.assert_array_equal(sample['valid_frames'], ~context)


def test_windows_without_anything_known_are_left_out():
    # Windows begin at 0, 9, ..., 189 and 191; of 50 to 99, six or so are
    # whole: 54, 63, 72, 81, 90 (90 to 98).
    starts = {int(s['frame_ids'][0]) for s in OneSequence(hidden(0.))}
    assert starts == set(range(0, 190, 9)) - {54, 63, 72, 81, 90} | {191}


def test_frames_that_nobody_saw_are_context():

    def scored(**options):
        own = sequence()
        own.scores[20:25] = 0
        own.keypoints_2d[20:25] = np.nan
        dataset = OneSequence(own, test_mode=True, **options)
        return np.sort(
            np.concatenate(
                [s['frame_ids'][s['valid_frames']] for s in dataset]))

    assert scored().tolist() == [*range(20), *range(25, 200)]
    assert scored(score_unseen=True).tolist() == [*range(200)]


def test_nothing_known_is_an_error():
    own = sequence()
    own.visible = np.zeros((200, 17))
    with pytest.raises(ValueError, match='no frame has a known 3D pose'):
        OneSequence(own)


def test_unknown_joints_stand_in_the_middle_of_the_others():
    points = np.array([[[1., 1], [3, 5], [9, 9]], [[0, 0], [0, 0], [0, 0]],
                       [[7, 7], [8, 8], [2, 4]]])
    known = np.array([[1, 1, 0], [0, 0, 0], [0, 0, 1]], bool)
    found = fill_unknown(points, known)
    np.testing.assert_array_equal(
        found, [[[1, 1], [3, 5], [2, 3]], [[2, 4]] * 3, [[2, 4]] * 3])
    assert (fill_unknown(points, known & False) == 1).all()


def test_what_is_said_to_be_known_must_be_finite():
    own = sequence()
    own.keypoints_3d[3, 2] = np.nan
    with pytest.raises(ValueError, match='keypoints_3d.*frame 3.*visible'):
        OneSequence(own)
    own = sequence()
    own.keypoints_2d[4, 2] = np.nan
    with pytest.raises(ValueError, match='keypoints_2d.*frame 4.*score to 0'):
        OneSequence(own)
