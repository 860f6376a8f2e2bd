# Copyright (c) mmdiffpose contributors. All rights reserved.
import numpy as np
import pytest

from mmdiffpose.datasets.windows.sequence import PoseSequence


def make_sequence(frames=5, **changes):
    rng = np.random.default_rng(0)
    fields = dict(
        subject='S1',
        action='Walking',
        camera='v0',
        clip='Walking_1',
        keypoints_2d=rng.uniform(0, 1000, (frames, 17, 2)),
        scores=rng.uniform(0, 1, (frames, 17)),
        keypoints_3d=rng.uniform(-.9, .9, (frames, 17, 3)) + [0, 0, 5],
        camera_param=dict(w=1000, h=1000, f=np.ones(2), c=np.ones(2)),
        mixtures=rng.uniform(0, 1, (frames, 17, 2, 5)))
    return PoseSequence(**{**fields, **changes})


def test_valid_sequence_becomes_float32():
    sequence = make_sequence()
    sequence.validate(17)
    for key in ('keypoints_2d', 'scores', 'keypoints_3d', 'mixtures'):
        assert getattr(sequence, key).dtype == np.float32
    assert sequence.nbytes == 5 * 17 * (2 + 1 + 3 + 10) * 4


def _broken(key, index, value):
    array = getattr(make_sequence(), key)
    array[index] = value
    return {key: array}


@pytest.mark.parametrize('changes, message', [
    (dict(keypoints_3d=make_sequence().keypoints_3d * 1000),
     r'units are metres.*millimetres'),
    (dict(keypoints_3d=make_sequence().keypoints_3d / 1000),
     'units are metres'),
    (_broken('keypoints_3d', (3, 2, 1), np.nan), 'keypoints_3d.*frame 3'),
    (_broken('keypoints_2d', (4, 0, 0), np.inf), 'keypoints_2d.*frame 4'),
    (_broken('mixtures', (0, 0, 0, 0), np.nan), 'mixtures.*frame 0'),
    (_broken('keypoints_3d',
             (slice(None), slice(None), 2), -3.), 'in front of the camera'),
    (_broken('scores', (1, 1), 1.5), r'scores.*\[0, 1\]'),
    (dict(keypoints_2d=make_sequence(4).keypoints_2d),
     r'keypoints_2d.*frame counts.*\(5, 17, 2\).*\(4, 17, 2\)'),
    (dict(keypoints_3d=np.ones((5, 16, 3))), r'\(5, 17, 3\).*\(5, 16, 3\)'),
    (dict(scores=np.ones((5, 17, 1))), 'scores.*shape'),
    (dict(camera_param=dict(w=1000, f=np.ones(2))), r"lacks.*'c', 'h'"),
    (dict(keypoints_3d=np.ones((0, 17, 3))), 'no frames'),
])
def test_bad_arrays_are_named(changes, message):
    sequence = make_sequence(**changes)
    with pytest.raises(ValueError, match=message) as error:
        sequence.validate(17)
    assert 'S1 Walking_1 camera v0' in str(error.value)


def test_camera_copies_are_independent():
    sequence = make_sequence()
    sequence.copy_camera_param()['c'][0] = 77
    assert sequence.camera_param['c'][0] == 1
