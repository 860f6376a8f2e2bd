# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Keypoint files of COCO, OpenPose and AlphaPose, and of several people."""

import json

import numpy as np
import pytest
from foreign_files import JOINTS, SIZE, crowd, document, walk, write

from mmdiffpose.apis import read_keypoint_file, read_keypoint_tracks
from mmdiffpose.files.keypoint_files.reading import recognise
from mmdiffpose.skeletons import SKELETONS
from mmdiffpose.structures.frame_numbers import number_images


@pytest.mark.parametrize(
    'kind', ['mmpose', 'coco', 'results', 'openpose', 'alphapose'])
def test_everybody_comes_back(tmp_path, kind):
    """Ten people, whatever their order in the file."""
    people = crowd(kind)
    path = write(tmp_path, kind, document(kind, people))
    tracks = read_keypoint_tracks(path, None if kind == 'coco' else SIZE)
    assert [track.track_id for track in tracks] == list(range(10))
    for key, track in enumerate(tracks):
        assert track.skeleton.name == JOINTS[kind]
        assert track.image_size == SIZE
        assert track.frame_ids.tolist() == list(range(5))
        np.testing.assert_allclose(
            track.keypoints, people[key][..., :2], rtol=1e-5)
        np.testing.assert_allclose(
            track.scores, people[key][..., 2], rtol=1e-5)
    one = read_keypoint_file(path, SIZE, track_id=4)
    np.testing.assert_array_equal(one.keypoints, tracks[4].keypoints)
    assert one.track_id in (4, None)


@pytest.mark.parametrize(
    'kind', ['mmpose', 'coco', 'results', 'openpose', 'alphapose'])
def test_format_is_told_by_content_not_by_name(tmp_path, kind):
    content = document(kind, crowd(kind, 1, 1))
    expected = 'coco' if kind == 'results' else kind
    if kind == 'openpose':
        content, = content.values()
    assert recognise(content) == expected
    path = tmp_path / 'file_7_keypoints.txt'
    path.write_text(json.dumps(content))
    plain = read_keypoint_file(path, SIZE)
    named = read_keypoint_file(path, SIZE, file_format=expected)
    np.testing.assert_array_equal(plain.keypoints, named.keypoints)


def test_several_people_in_an_npz(tmp_path):
    people = crowd('npz', number=3)
    people[1][..., 2] = 0
    np.savez(
        tmp_path / 'people.npz',
        keypoints=np.stack(list(people.values())),
        mixtures=np.ones((3, 5, 17, 2, 5)),
        image_size=SIZE,
        fps=0)
    tracks = read_keypoint_tracks(tmp_path / 'people.npz')
    assert [track.track_id for track in tracks] == [0, 2]
    assert tracks[1].mixtures.shape == (5, 17, 2, 5)
    assert tracks[0].fps is None
    with pytest.raises(ValueError, match=r'track id 1, found \[0, 2\]'):
        read_keypoint_file(tmp_path / 'people.npz', track_id=1)


def test_heatmap_mixtures_are_read(tmp_path):
    """As tools/dataset_converters/heatmap_mixtures.py writes them."""
    joints = walk(4, 17, (100, 100), name='h36m')
    joints[2, :, 2] = 0
    mixtures = np.ones((4, 17, 2, 5), np.float32)
    mixtures[2, ..., 0] = 0
    np.savez(
        tmp_path / 'track.npz',
        keypoints=joints[..., :2],
        scores=joints[..., 2],
        mixtures=mixtures,
        boxes=np.zeros((4, 4)),
        image_size=np.array(SIZE),
        frame_ids=np.array([3, 4, 5, 8]),
        fps=25.,
        skeleton=np.array('h36m'))
    track = read_keypoint_file(tmp_path / 'track.npz')
    assert track.frame_ids.tolist() == [3, 4, 5, 6, 7, 8]
    assert track.present.tolist() == [True, True, False, False, False, True]
    assert (track.mixtures[[0, 1, 5], ..., 0] == 1).all()
    assert (track.mixtures[2:5, ..., 0] == 0).all()
    assert track.fps == 25 and track.skeleton.name == 'h36m'


def test_cocos_flags_become_scores(tmp_path):
    """0 not labelled, 1 hidden, 2 visible; unlabelled joints are at 0, 0."""
    people = crowd('coco', 2, 1)
    people[0][..., 2] = 2
    people[0][:, 3] = 0
    people[0][:, 4, 2] = 1
    path = write(tmp_path, 'coco', document('coco', people))
    track = read_keypoint_file(path)
    expected = np.ones((2, 17))
    expected[:, 3], expected[:, 4] = 0, 0.5
    np.testing.assert_array_equal(track.scores, expected)


def test_posetracks_joints_and_frames(tmp_path):
    people = {0: walk(3, 17, (300, 100), name='posetrack18')}
    content = document('coco', people)
    content['categories'][0]['keypoints'] = list(
        SKELETONS['posetrack18'].joints)
    for number, image in enumerate(content['images']):
        image['frame_id'] = 10 * (3 - number)
    path = write(tmp_path, 'coco', content)
    track = read_keypoint_file(path)
    assert track.skeleton.name == 'posetrack18'
    assert track.frame_ids.tolist() == [10, 20, 30]
    assert track.keypoints[0, 0, 0] > track.keypoints[2, 0, 0]


def test_images_whose_names_count_nothing_stand_as_in_the_file(tmp_path):
    """AlphaPose writes one image after the other."""
    content = document('alphapose', crowd('alphapose', 3, 1))
    for item, name in zip(content, ('b.jpg', 'c.jpg', 'a.jpg')):
        item['image_id'] = name
    track = read_keypoint_file(write(tmp_path, 'alphapose', content), SIZE)
    first = np.array(content[0]['keypoints'][:2])
    np.testing.assert_allclose(track.keypoints[0, 0], first, rtol=1e-6)
    with pytest.raises(ValueError, match='expected names with a number'):
        number_images('x', ['1a.jpg', '1b.jpg', '2a2.jpg'])


def test_people_without_names_who_leave_are_new_ones(tmp_path):
    joints = SKELETONS['body25'].num_joints
    left, right = walk(40, joints, (0, 0)), walk(40, joints, (600, 0), 1)
    content = document('openpose', {0: left, 1: right})
    for frame, page in enumerate(content.values()):
        if 10 <= frame < 14 or frame >= 30:
            page['people'] = [
                p for p in page['people'] if p['pose_keypoints_2d'][0] < 500
            ]
        if frame == 33:
            page['people'].append(dict(pose_keypoints_2d=[]))
    tracks = read_keypoint_tracks(write(tmp_path, 'openpose', content), SIZE)
    assert [len(track) for track in tracks] == [40, 30]
    assert not tracks[1].present[10:14].any()
    np.testing.assert_allclose(tracks[0].keypoints, left[..., :2], rtol=1e-5)


@pytest.mark.parametrize('kind, change, message', [
    ('coco', lambda d: d.pop('images'), "expected a key 'images'"),
    ('coco', lambda d: d['categories'][0].update(keypoints=['tail']),
     'names 1 joints, but has 17'),
    ('coco', lambda d: d['categories'][0].update(
        keypoints=list('abcdefghijkl'
                       'mnopq')),
     "expected the hips among .*say which it is of .'coco'"),
    ('coco', lambda d: d['images'][0].update(width=5), 'images of one size'),
    ('coco', lambda d: d['annotations'][0].update(image_id=5), 'the id 5'),
    ('coco', lambda d: d['annotations'][0].update(keypoints=[1, 2]),
     r'x, y, score, x.*found an array of shape \(2,\)'),
    ('coco', lambda d: d.update(annotations=[]), 'is empty'),
    ('results', lambda d: d[0].update(keypoints=[1., 2, 1] * 5),
     'expected 5 joints as of the people before, found 133'),
    ('results', lambda d: d[0].update(keypoints=[1., 2, 1] * 25),
     'expected 25 joints as of the people before, found 133'),
    ('results', lambda d: d[1].update(image_id=1.5), 'whole number as image'),
    ('results', lambda d: d[1].update(track_id='x'), 'whole number as tra'),
    ('alphapose', lambda d: d[3].pop('keypoints'), "a key 'keypoints' in ea"),
    ('openpose', lambda d: d.clear(),
     'one per frame, or a folder of Al.* found none'),
    ('openpose', lambda d: d.update({'b_000000000004_keypoints.json': {}}),
     'number that counts the frames of one video, .* again after'),
    ('openpose', lambda d: d.update({'clip_000000000007_keypoints.json': {}}),
     "frame 7: expected a key 'people'"),
])
def test_bad_files_say_what_was_expected(tmp_path, kind, change, message):
    content = document(kind, crowd(kind, 5, 2))
    change(content)
    path = write(tmp_path, kind, content)
    with pytest.raises(ValueError, match=message) as caught:
        read_keypoint_tracks(path, None if kind == 'coco' else SIZE)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize('kind', ['results', 'npz'])
def test_shares_of_the_picture_are_not_pixels(tmp_path, kind):
    people = crowd(kind, number=1)
    people[0][..., :2] /= 1000
    if kind == 'npz':
        path = tmp_path / 'shares.npz'
        np.savez(path, keypoints=people[0])
    else:
        path = write(tmp_path, kind, document(kind, people))
    with pytest.raises(
            ValueError, match='in pixels of .*nearly all between 0.*shares'):
        read_keypoint_file(path, SIZE)


def test_format_and_skeleton_may_be_named(tmp_path):
    path = write(tmp_path, 'results', document('results', crowd('results')))
    with pytest.raises(ValueError, match="unknown file format 'x'.*alphapose"):
        read_keypoint_file(path, SIZE, file_format='x')
    with pytest.raises(ValueError, match=r'shape .joints, 2., found .399'):
        read_keypoint_file(path, SIZE, file_format='mmpose')
    with pytest.raises(ValueError, match='cannot be read as an npy'):
        read_keypoint_file(path, SIZE, file_format='npz')
    with pytest.raises(ValueError, match='expected 26 joints'):
        read_keypoint_file(path, SIZE, skeleton='halpe26')
    with pytest.raises(ValueError, match='format coco, found a folder'):
        read_keypoint_file(tmp_path, SIZE, file_format='coco')
    with pytest.raises(ValueError, match="results.json: unknown skel.*'x'"):
        read_keypoint_file(path, SIZE, skeleton='x')
