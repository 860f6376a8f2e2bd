# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Keypoint files: what is read, whom it picks, what it refuses."""

import json
from pathlib import Path

import numpy as np
import pytest
from projected_people import as_layout, seen

import mmdiffpose
from mmdiffpose.files.keypoint_files import read_keypoint_file

DEMO = Path(mmdiffpose.__file__).parent / 'data/demo_track_coco17.json'
SIZE = (1000, 800)


def person(x=100., size=200., track_id=None, score=0.9, joints=17):
    """A detection of ``size`` pixels with the nose at (x, 50)."""
    keypoints = as_layout(seen(1)[1], 'coco')[0]
    keypoints = (keypoints - keypoints[0]) / np.ptp(keypoints, axis=0).max()
    keypoints = (keypoints * size + [x, 50])[:joints]
    instance = dict(
        keypoints=keypoints.tolist(), keypoint_scores=[score] * joints)
    if track_id is not None:
        instance['track_id'] = track_id
    return instance


def video(*frames):
    return [
        dict(frame_id=i, instances=people) for i, people in enumerate(frames)
    ]


@pytest.fixture
def write(tmp_path):

    def _write(document, name='track.json'):
        path = tmp_path / name
        text = document if isinstance(document, str) else json.dumps(document)
        path.write_text(text)
        return path

    return _write


def test_bundled_track():
    track = read_keypoint_file(DEMO)
    assert track.keypoints.shape == (98, 17, 2)
    assert track.image_size == (1768, 994)
    assert track.fps == 30
    assert DEMO.stat().st_size < 300_000
    assert track.scores.min() > 0 and track.scores.mean() > 0.8
    # He faces the camera: his left is on the picture's right.
    index = track.skeleton.index
    gap = track.keypoints[:, index['left_shoulder'], 0] - \
        track.keypoints[:, index['right_shoulder'], 0]
    assert (gap > 0).all()
    steps = np.abs(np.diff(track.keypoints.mean(1), axis=0)).max()
    assert steps < 25, 'one person is followed, without jumps'


def test_mmpose_layouts_agree(write):
    frames = video([person(10)], [person(12)])
    plain = read_keypoint_file(write(frames), SIZE)
    meta = dict(image_size=SIZE, dataset_name='coco', fps=25)
    wrapped = read_keypoint_file(
        write(dict(meta_info=meta, instance_info=frames)))
    np.testing.assert_array_equal(plain.keypoints, wrapped.keypoints)
    assert wrapped.image_size == plain.image_size == SIZE
    assert wrapped.fps == 25
    image = read_keypoint_file(write([person(10)]), SIZE)
    np.testing.assert_array_equal(image.keypoints[0], plain.keypoints[0])


def test_npz_equals_json(write, tmp_path):
    track = read_keypoint_file(write(video([person(1)], [person(2)])), SIZE)
    np.savez(
        tmp_path / 'a.npz',
        keypoints=track.keypoints,
        scores=track.scores,
        image_size=SIZE,
        fps=30.,
        skeleton='coco')
    np.savez(
        tmp_path / 'b.npz',
        keypoints=np.concatenate([track.keypoints, track.scores[..., None]],
                                 -1))
    first = read_keypoint_file(tmp_path / 'a.npz')
    second = read_keypoint_file(tmp_path / 'b.npz', SIZE)
    for other in (first, second):
        np.testing.assert_array_equal(other.keypoints, track.keypoints)
        np.testing.assert_array_equal(other.scores, track.scores)
    assert first.fps == 30


def test_absent_frames_score_zero_and_a_stride_is_no_gap(write):
    gap = [
        dict(frame_id=3, instances=[person(1)]),
        dict(frame_id=4, instances=[]),
        dict(frame_id=5, instances=[person(1)]),
        dict(frame_id=8, instances=[person(1)])
    ]
    track = read_keypoint_file(write(gap), SIZE)
    assert track.frame_ids.tolist() == [3, 4, 5, 6, 7, 8]
    assert (track.scores.max(1) > 0).tolist() == [1, 0, 1, 0, 0, 1]
    every_fifth = [dict(frame_id=i, instances=[person(1)]) for i in (0, 5, 10)]
    assert len(read_keypoint_file(write(every_fifth), SIZE)) == 3


def test_several_persons_by_track_id(write):
    path = write(
        video([person(3, 100, 7), person(500, 300, 2)],
              [person(505, 300, 2), person(5, 100, 7)]))
    with pytest.warns(UserWarning, match='track 2.*others are .7.'):
        largest = read_keypoint_file(path, SIZE)
    assert largest.track_id == 2
    assert largest.keypoints[:, 0, 0].tolist() == [500, 505]
    other = read_keypoint_file(path, SIZE, track_id=7)
    assert other.keypoints[:, 0, 0].tolist() == [3, 5]
    with pytest.raises(ValueError, match=r'track id 3, found \[2, 7\]'):
        read_keypoint_file(path, SIZE, track_id=3)


def test_several_persons_without_ids_are_not_mixed_up(write):
    """The order in the file and a larger passer-by change nothing."""
    path = write(
        video([person(4, 200), person(500, 100)],
              [person(505, 100), person(8, 200)], [person(510, 350)],
              [person(16, 200), person(790, 100)]))
    with pytest.warns(UserWarning, match='no track ids'):
        track = read_keypoint_file(path, SIZE)
    seen = track.scores[:, 0] > 0
    assert track.keypoints[seen, 0, 0].tolist() == [4, 8, 16]
    assert seen.tolist() == [True, True, False, True]


@pytest.mark.parametrize('document, message', [
    ('', 'is empty'),
    ('[]', 'is empty.*0 frames'),
    ([dict(frame_id=0, instances=[])], 'is empty.*found none in 1 frames'),
    ('{"a": 1', 'not a JSON file'),
    ({
        'a': 1
    }, "expected a key 'instance_info'.*found keys .'a'."),
    ([{
        'frame_id': 0
    }], "expected a key 'instances'.*found keys .'frame_id'"),
    ([person(joints=16)], '(?s)expected 16 joints in the order of .*mpii'),
    ([person(score=float('nan'))], 'all scores are 0'),
    ([dict(keypoints=[[float('inf'), 1]] * 17)], 'all scores are 0'),
    ([person(score=0)], 'all scores are 0'),
    ([dict(keypoints=[[1, 2], [3]])], 'lists of different lengths'),
    ([dict(keypoints=[1, 2, 3])], r'expected keypoints of shape \(joints, 2'
     r'\), found \(3,\)'),
    ([dict(keypoints=[[1, 2]] * 17, keypoint_scores=[1])
      ], 'expected 17 keypoint scores'),
    ([dict(frame_id=0, instances=[])] * 2, 'frame ids that are whole'),
    ([dict(frame_id=i, instances=[person()])
      for i in (0, 1, 10**9)], 'expected a clip'),
])
def test_bad_files_are_refused(write, document, message):
    path = write(document)
    with pytest.raises(ValueError, match=message) as caught:
        read_keypoint_file(path, SIZE)
    assert 'track.json' in str(caught.value)


@pytest.mark.parametrize('arrays, message', [
    (dict(a=np.zeros(3),
          b=np.zeros(3)), "expected an array 'keypoints', found .'a', 'b'."),
    (dict(keypoints=np.zeros((4, 17))), r'found \(4, 17\)'),
    (dict(keypoints=np.zeros((0, 17, 3))), 'is empty'),
    (dict(keypoints=np.zeros((4, 14, 3))), 'all scores are 0'),
    (dict(keypoints=np.ones((4, 13, 3)) * 299),
     'found 13 joints, which no kn'),
    (dict(keypoints=np.ones((4, 17, 2)), scores=np.ones(
        (3, 17))), r'expected scores of shape \(4, 17\), found \(3, 17\)'),
])
def test_bad_npz_is_refused(tmp_path, arrays, message):
    np.savez(tmp_path / 'track.npz', **arrays)
    with pytest.raises(ValueError, match=message):
        read_keypoint_file(tmp_path / 'track.npz', SIZE)


def test_unreadable_npz_and_suffix(write):
    with pytest.raises(ValueError, match='track.npz cannot be read as an npz'):
        read_keypoint_file(write('text', 'track.npz'), SIZE)
    with pytest.raises(ValueError, match=r'expected a .json, .npz, .npy'):
        read_keypoint_file(write('text', 'track.txt'), SIZE)


def test_missing_file_size_and_scores(write, tmp_path):
    with pytest.raises(FileNotFoundError, match='nowhere.json'):
        read_keypoint_file(tmp_path / 'nowhere.json')
    with pytest.raises(ValueError, match='--image-size'):
        read_keypoint_file(write([person()]))
    for size in ((0, 5), (1, 2, 3), (float('nan'), 5)):
        with pytest.raises(ValueError, match='expected an image size'):
            read_keypoint_file(write([person()]), size)
    bare = dict(keypoints=person()['keypoints'])
    with pytest.warns(UserWarning, match='no keypoint scores'):
        assert (read_keypoint_file(write([bare]), SIZE).scores == 1).all()
