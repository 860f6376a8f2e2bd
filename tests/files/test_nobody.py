# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Who is nobody, and whose ids are nobody's."""

import json
import warnings

import numpy as np
import pytest
from projected_people import SIZE, as_layout, seen, with_scores

from mmdiffpose.apis import read_keypoint_file, read_keypoint_tracks

FRAMES = 12


@pytest.fixture(scope='module')
def pixels():
    return seen(FRAMES)[1]


def dump(path, document):
    path.write_text(json.dumps(document))
    return path


def read(path):
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        return read_keypoint_file(path, SIZE)


NOBODY = dict(
    nothing=lambda page: page.update(instances=None),
    empty=lambda page: page.update(instances=[{}]),
    lists=lambda page: page.update(instances=[[]]),
    keypoints=lambda page: page['instances'][0].update(keypoints=None),
    none=lambda page: page['instances'][0].update(keypoints=[]),
    joints=lambda page: page['instances'][0].update(keypoints=[None] * 17),
    nan=lambda page: page['instances'][0].update(keypoints=[[float('nan')] * 2]
                                                 * 17))


@pytest.mark.parametrize('word', NOBODY)
def test_words_for_nobody(tmp_path, pixels, word):
    """A frame without anybody is no reason to refuse the clip."""
    joints = as_layout(pixels, 'coco')
    frames = [
        dict(
            frame_id=i,
            instances=[
                dict(keypoints=rows.tolist(), keypoint_scores=[.9] * 17)
            ]) for i, rows in enumerate(joints)
    ]
    NOBODY[word](frames[4])
    frames[7]['instances'][0]['keypoints'][9] = None
    track = read(dump(tmp_path / 'a.json', frames))
    assert np.flatnonzero(~track.present).tolist() == [4]
    assert np.argwhere(track.scores[5:] == 0).tolist() == [[2, 9]]
    results = [
        dict(image_id=i, keypoints=with_scores(rows).ravel().tolist())
        for i, rows in enumerate(joints)
    ]
    results[4]['keypoints'] = None if word == 'keypoints' else []
    assert len(read(dump(tmp_path / 'b.json', [*results, None, {}]))) == FRAMES


@pytest.mark.parametrize('ids', [
    lambda person, frame: (person + frame) % 2,
    lambda person, frame: 2 * frame + person,
    lambda person, frame: (7 * frame + 3 * person) % 5,
])
def test_ids_of_detections_name_nobody(tmp_path, ids):
    """Their place in a list, or a count of detections."""
    people = [
        as_layout(seen(30, 40 * i, turn=80 * i, aside=1.4 * i)[1], 'coco')
        for i in (0, 1)
    ]
    frames = [
        dict(
            frame_id=f,
            instances=[
                dict(
                    keypoints=with_scores(rows[f]).tolist(),
                    track_id=ids(i, f)) for i, rows in enumerate(people)
            ]) for f in range(30)
    ]
    with pytest.warns(UserWarning, match='jump from place to place: the ids'):
        tracks = read_keypoint_tracks(dump(tmp_path / 'a.json', frames), SIZE)
    assert len(tracks) == 2
    for track, rows in zip(tracks, people):
        assert np.abs(track.keypoints - rows).max() < .01


def test_ids_are_kept_where_people_move_fast(tmp_path):
    """Every 25th frame of somebody who runs about: a place tells nothing."""
    rng = np.random.default_rng(0)
    people = [as_layout(seen(20)[1], 'coco') for _ in (0, 1)]
    for rows in people:
        rows += rng.uniform(-600, 600, (20, 1, 2)) * [1, .1]
    frames = [
        dict(
            frame_id=25 * f,
            instances=[
                dict(keypoints=with_scores(rows[f]).tolist(), track_id=i)
                for i, rows in enumerate(people)
            ]) for f in range(20)
    ]
    tracks = read_keypoint_tracks(dump(tmp_path / 'a.json', frames), SIZE)
    assert [track.track_id for track in tracks] == [0, 1]
    for track, rows in zip(tracks, people):
        assert np.abs(track.keypoints - rows).max() < .01


@pytest.mark.parametrize('number', [1, 2, 3])
def test_arrays_of_people_frame_by_frame(tmp_path, number):
    """(F, P, J, 2), as a detector's results become when they are stacked."""
    people = [
        as_layout(seen(30, 40 * i, aside=1.4 * i - 1)[1], 'coco')
        for i in range(number)
    ]
    stacked = np.stack(people)
    mixtures = np.ones((*stacked.shape[:3], 2, 5))
    for keypoints, mixed in ((stacked, mixtures), (stacked.swapaxes(0, 1),
                                                   mixtures.swapaxes(0, 1))):
        np.savez(
            tmp_path / 'a.npz',
            keypoints=keypoints,
            scores=np.full(keypoints.shape[:3], .9),
            mixtures=mixed,
            image_size=SIZE)
        tracks = read_keypoint_tracks(tmp_path / 'a.npz')
        assert len(tracks) == number
        for track, rows in zip(tracks, people):
            assert np.abs(track.keypoints - rows).max() < .01
            assert track.mixtures.shape == (30, 17, 2, 5)


def test_labels_of_data_sets_have_flags(tmp_path, pixels):
    joints = as_layout(pixels, 'coco') / SIZE
    for i, rows in enumerate(joints):
        values = with_scores(rows, 2)
        values[3], values[5, 2] = 0, 1
        line = '0 .5 .5 .2 .6 ' + ' '.join(f'{v:.6f}' for v in values.ravel())
        (tmp_path / f'clip_{i}.txt').write_text(line + '\n')
    track = read(tmp_path)
    expected = np.ones((FRAMES, 17))
    expected[:, 3], expected[:, 5] = 0, .5
    np.testing.assert_array_equal(track.scores, expected)


def test_another_size_than_the_files_is_said(tmp_path, pixels):
    frames = [
        dict(
            frame_id=i, instances=[dict(keypoints=with_scores(rows).tolist())])
        for i, rows in enumerate(as_layout(pixels, 'coco'))
    ]
    document = dict(meta_info=dict(image_size=SIZE), instance_info=frames)
    path = dump(tmp_path / 'a.json', document)
    with pytest.warns(UserWarning, match=r'is .1920.0, 1080.0.; .2000, 1100'):
        assert read_keypoint_file(path, (2000, 1100)).image_size[0] == 2000
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        assert read_keypoint_file(path, SIZE).image_size == SIZE


def test_the_message_names_the_joints_that_fit(tmp_path, pixels):
    frames = [
        dict(
            frame_id=i, instances=[dict(keypoints=with_scores(rows).tolist())])
        for i, rows in enumerate(as_layout(pixels, 'h36m'))
    ]
    document = dict(
        meta_info=dict(dataset_name='mpi_inf_3dhp'), instance_info=frames)
    with pytest.raises(ValueError, match="joints of .'h36m'.*n='h36m', on "):
        read(dump(tmp_path / 'a.json', document))
