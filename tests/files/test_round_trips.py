# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Any valid file gives its track back, any damaged one ends in our errors."""

import json
import shutil
import warnings

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from projected_people import SIZE, as_layout, seen, with_scores

from mmdiffpose.apis import read_keypoint_tracks
from mmdiffpose.skeletons import SKELETONS

FORMATS = ('mmpose', 'coco', 'results', 'openpose', 'alphapose', 'open',
           'mediapipe', 'ultralytics', 'labels', 'sports2d', 'npz', 'npy',
           'body25b', 'openpose18', 'openpose1', 'halpe136', 'cmu', 'rtmlib',
           'custom', 'landmarks', 'images', 'movenet')
LAYOUTS = dict(
    mediapipe='mediapipe',
    open='coco18',
    openpose='body25',
    body25b='body25b',
    openpose18='coco18',
    openpose1='coco18',
    halpe136='halpe136',
    cmu='coco18',
    rtmlib='halpe26',
    landmarks='mediapipe')
WRITTEN_AS = dict(
    body25b='openpose',
    openpose18='openpose',
    openpose1='openpose',
    halpe136='alphapose',
    cmu='open')
"""The same files with other joints or keys."""
WORDS = st.sampled_from([
    '', '{', '}', '[', ']', '"', ',', 'null', 'NaN', '-1', '0', '1e999',
    'true', '\t', '\n', 'x', '²'
])


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp('files')


def walkers(frames, people, start, name):
    """(P, F, J, 3): people side by side, some joints not seen."""
    rng = np.random.default_rng(start)
    found = []
    for person in range(people):
        _, pixels = seen(
            frames, start, turn=70 * person, aside=1.6 * person - 1.6, away=7)
        joints = with_scores(as_layout(pixels, name).round(2), .8)
        joints[..., 2] = rng.uniform(.3, 1, joints.shape[:2]).round(3)
        joints[rng.random(joints.shape[:2]) < .04, 2] = 0
        found.append(joints)
    return np.array(found)


def unseen_as(kind, joints):
    """The same joints with another word for not seen."""
    rows = joints.tolist()
    for row, score in zip(rows, joints[:, 2]):
        if score == 0 and kind != 'score':
            row[:] = dict(
                zero=[0., 0., .9],
                minus=[-1., -1., .9],
                null=[None, None, None],
                nan=[float('nan')] * 3)[kind]
    return rows


def unseen_words(track, word):
    """One person's (F, J, 3) with another word for not seen."""
    return np.array([unseen_as(word, rows) for rows in track], float)


def write(folder, kind, people, word, ids, step):
    """Write people (P, F, J, 3); returns what to read."""
    for old in folder.iterdir():
        shutil.rmtree(old) if old.is_dir() else old.unlink()
    variant, kind = kind, WRITTEN_AS.get(kind, kind)
    frames = range(people.shape[1])
    name = (lambda f: f'c2_{step * f}_of_9.jpg')

    def each(frame):
        return [(i, unseen_as(word, people[i, frame]))
                for i in range(len(people))]

    def flat(rows):
        return [value for row in rows for value in row]

    path = folder / 'a.json'
    if kind == 'mmpose':
        content = [
            dict(
                frame_id=step * f,
                instances=[
                    dict(
                        keypoints=[row[:2] for row in rows],
                        keypoint_scores=[row[2] for row in rows],
                        **({
                            'track_id': i
                        } if ids else {})) for i, rows in each(f)
                ]) for f in frames
        ]
    elif kind in ('results', 'alphapose'):
        key = 'idx' if kind == 'alphapose' else 'track_id'
        content = [
            dict(
                image_id=name(f) if kind == 'alphapose' else step * f,
                keypoints=flat(rows),
                **({
                    key: i
                } if ids else {})) for f in frames for i, rows in each(f)
        ]
    elif kind == 'coco':
        content = dict(
            images=[dict(id=7 * f + 1, file_name=name(f)) for f in frames],
            annotations=[
                dict(
                    image_id=7 * f + 1,
                    keypoints=flat(rows),
                    **({
                        'track_id': i
                    } if ids else {})) for f in frames for i, rows in each(f)
            ])
    elif kind == 'open':
        content = {
            name(f): {
                'bodies' if variant == 'cmu' else 'people': [{
                    'joints' if variant == 'cmu' else 'pose_keypoints_2d':
                    flat(rows)
                } for _, rows in each(f)]
            }
            for f in frames
        }
    elif kind == 'openpose':
        key = 'pose_keypoints' + ('_2d' if variant != 'openpose1' else '')
        for f in frames:
            (folder / f'w_{step * f:012d}_keypoints.json').write_text(
                json.dumps(
                    dict(people=[{
                        key: flat(rows),
                        'person_id': [i if ids else -1]
                    } for i, rows in each(f)])))
        return folder
    elif kind == 'images':
        # A file for each image of a folder.
        for f in frames:
            (folder / name(f).replace('jpg', 'json')).write_text(
                json.dumps([
                    dict(
                        keypoints=[row[:2] for row in rows],
                        keypoint_scores=[row[2] for row in rows],
                        **({
                            'track_id': i
                        } if ids else {})) for i, rows in each(f)
                ]))
        return folder
    elif kind == 'movenet':
        joints = SKELETONS['coco'].joints
        content = [
            dict(
                frame=step * f,
                keypoints=[[
                    dict(x=x, y=y, score=s, name=joint)
                    for (x, y, s), joint in zip(rows, joints)
                ] for _, rows in each(f)]) for f in frames
        ]
    elif kind == 'rtmlib':
        content = [
            dict(
                frame_id=step * f,
                keypoints=[[row[:2] for row in rows] for _, rows in each(f)],
                scores=[[row[2] for row in rows] for _, rows in each(f)])
            for f in frames
        ]
    elif kind == 'custom':
        path = folder / 'data_2d_custom_a.npz'
        shown = unseen_words(people[0], 'zero' if word == 'score' else word)
        meta = dict(
            layout_name='coco',
            num_joints=17,
            video_metadata={'v': dict(w=SIZE[0], h=SIZE[1])})
        np.savez(
            path,
            positions_2d=np.array({'v': {
                'custom': [shown[..., :2]]
            }}, object),
            metadata=np.array(meta, object))
        return path
    elif kind == 'landmarks':
        path = folder / 'a.npy'
        shown = np.array([unseen_words(track, word) for track in people])
        marks = shown[..., [0, 1, 2, 2, 2]]
        seen_places = ~np.isin(marks[..., :2], (0, -1)).all(-1)
        marks[..., :2] = np.where(seen_places[..., None],
                                  marks[..., :2] / SIZE, marks[..., :2])
        np.save(path, marks)
        return path
    elif kind == 'mediapipe':
        content = [
            dict(
                frame=step * f,
                pose_landmarks=[[
                    dict(
                        x=x and x / SIZE[0] if x != -1 else -1,
                        y=y and y / SIZE[1] if y != -1 else -1,
                        z=.1,
                        visibility=s) for x, y, s in rows
                ] for _, rows in each(f)]) for f in frames
        ]
    elif kind == 'ultralytics':
        content = {
            name(f): [
                dict(
                    keypoints={
                        key: [row[n] for row in rows]
                        for n, key in enumerate(('x', 'y', 'visible'))
                    },
                    **({
                        'track_id': i
                    } if ids else {})) for i, rows in each(f)
            ]
            for f in frames
        }
    elif kind == 'labels':
        for f in frames:
            lines = []
            for i, rows in each(f):
                values = [
                    v if v in (0, -1) or v != v else v / size for row in rows
                    for v, size in zip(row, (*SIZE, 1))
                ]
                lines.append('0 0.5 0.5 0.2 0.6 ' + ' '.join(f'{v:.7g}'
                                                             for v in values) +
                             (f' 0.9 {i}' if ids else ''))
            (folder / f'w_{step * f}.txt').write_text('\n'.join(lines) + '\n')
        return folder
    elif kind == 'sports2d':
        joints = SKELETONS['coco'].joints
        for i, track in enumerate(people):
            lines = [
                'PathFileType\t4\t(X/Y/Z)\ta.trc', 'DataRate', '50\t50',
                'Frame#\tTime\t' + '\t\t\t'.join(joints), '\t\tX1'
            ]
            for f, rows in enumerate(track):
                cells = [
                    '' if row[2] == 0 else str(v) for row in rows.tolist()
                    for v in (row[0], row[1], 0.)
                ]
                lines.append('\t'.join([str(step * f), str(f / 50), *cells]))
            (folder / f'v_px_person{i:02d}.trc').write_text('\n'.join(lines))
        return folder
    else:
        path = folder / f'a.{kind}'
        arrays = np.array([[unseen_as(word, rows) for rows in track]
                           for track in people], float)
        if kind == 'npy':
            np.save(path, arrays)
        else:
            np.savez(
                path,
                keypoints=arrays[..., :2],
                scores=arrays[..., 2],
                frame_ids=step * np.arange(people.shape[1]))
        return path
    path.write_text(json.dumps(content))
    return path


def read(path):
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        return read_keypoint_tracks(path, SIZE)


@pytest.mark.parametrize('kind', FORMATS)
@settings(deadline=None, max_examples=12)
@given(
    st.integers(3, 8), st.integers(1, 3), st.integers(0, 100),
    st.sampled_from(['score', 'zero', 'minus', 'null', 'nan']), st.booleans(),
    st.integers(1, 6))
def test_valid_files_round_trip(folder, kind, frames, number, start, word, ids,
                                step):
    name = LAYOUTS.get(kind, 'coco')
    if kind == 'labels' and word == 'null':
        word = 'nan'
    if kind == 'custom':
        number = 1
    people = walkers(frames, number, start, name)
    tracks = read(write(folder, kind, people, word, ids, step))
    assert len(tracks) == number
    for track in tracks:
        assert track.skeleton.name == name
        assert track.step == (1 if kind in ('npy', 'custom',
                                            'landmarks') else step)
        apart = np.abs(track.keypoints[..., 0] - people[..., 0])
        person = people[np.median(apart, axis=(1, 2)).argmin()]
        if track.track_id is not None and kind not in ('open', 'cmu', 'rtmlib',
                                                       'mediapipe', 'movenet'):
            person = people[track.track_id]
        visible = person[..., 2] > 0
        if kind in ('open', 'cmu'):
            visible[:, 1] = False  # AlphaPose's neck is not read.
        np.testing.assert_array_equal(track.scores > 0, visible)
        assert np.abs((track.keypoints - person[..., :2])[visible]).max() < .01
        if kind not in ('sports2d', 'custom'):
            np.testing.assert_allclose(
                track.scores[visible], person[visible][:, 2], rtol=1e-5)


@pytest.mark.parametrize('kind', FORMATS)
@settings(deadline=None, max_examples=25)
@given(st.data())
def test_damaged_files_end_in_our_errors(folder, kind, data):
    """Cut anywhere, or with anything in the place of some of its text."""
    people = walkers(3, 1, 0, LAYOUTS.get(kind, 'coco'))
    path = write(folder, kind, people, 'score', True, 1)
    file = path if path.is_file() else sorted(path.iterdir())[0]
    content = file.read_bytes()
    start = data.draw(st.integers(0, len(content)))
    length = data.draw(st.sampled_from([0, 1, 3, 20, len(content)]))
    word = data.draw(WORDS).encode()
    file.write_bytes(content[:start] + word + content[start + length:])
    try:
        tracks = read(path)
    except ValueError as error:
        assert folder.name in str(error)
    else:
        for track in tracks:
            assert np.isfinite(track.keypoints).all() and track.present.any()
