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
