# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What was written is read back."""

import json
from dataclasses import replace

import numpy as np
import pytest

from mmdiffpose.files.pose3d_result import Pose3DResult
from mmdiffpose.files.result_files import write_results
from mmdiffpose.files.result_reading import read_results
from mmdiffpose.skeletons.skeleton import named_skeleton
from mmdiffpose.structures.lifted_track import LiftedTrack
from mmdiffpose.structures.lifter_view import LifterView

FIELDS = ('keypoints_3d', 'scores', 'std', 'std_xyz', 'keypoints_2d',
          'scores_2d', 'root_trajectory', 'frame_ids')
DIGITS = dict(json=(1e-4, 0.06), npz=(1e-6, 1e-3))
"""What is lost of metres and shares, and of pixels."""


def person(number, frames, **changes):
    rng = np.random.default_rng(number)
    F = len(frames)
    std = rng.uniform(0.01, 0.2, (F, 17, 3))
    return LiftedTrack(
        **{
            **dict(
                keypoints_3d=rng.normal(size=(F, 17, 3)).astype(np.float32),
                scores=rng.uniform(size=(F, 17)).astype(np.float32),
                std=np.sqrt((std**2).mean(-1)),
                hypotheses=rng.normal(size=(F, 3, 17, 3)).astype(np.float32),
                keypoints_2d=rng.uniform(0, 900, (F, 17, 2)),
                scores_2d=rng.uniform(size=(F, 17)).astype(np.float32),
                frame_ids=np.array(frames),
                image_size=(1000, 800),
                fps=25.,
                track_id=number,
                root_trajectory=rng.normal(size=(F, 3)),
                covariance=std[..., None]**2 * np.eye(3),
                focal_px=900.,
                focal_source='given',
                source='/videos/walk.mp4'),
            **changes
        })


@pytest.mark.parametrize('kind', ['json', 'npz'])
@pytest.mark.parametrize('axes', ['camera', 'y-up', 'z-up'])
def test_round_trip(tmp_path, kind, axes):
    # Two pieces of one person, and somebody else between them.
    written = [
        person(3, [2, 3, 4]),
        person(3, [40, 41], scores_2d=np.zeros((2, 17), np.float32)),
        person(1, [3, 4, 5])
    ]
    path, = write_results(written, tmp_path / 'a', (kind, ), axes, True)
    first, second = sorted(read_results(path), key=lambda t: t.track_id)
    assert (first.track_id, second.track_id) == (1, 3)
    assert second.frame_ids.tolist() == [2, 3, 4, 40, 41]
    metre, pixel = DIGITS[kind]
    for track, pieces in ((first, written[2:]), (second, written[:2])):
        for name in FIELDS:
            expected = np.concatenate([getattr(p, name) for p in pieces])
            np.testing.assert_allclose(
                getattr(track, name),
                expected,
                atol=pixel if name == 'keypoints_2d' else
                5e-4 if 'scores' in name else metre)
        assert track.hypotheses.shape == (len(track), 3, 17, 3)
        for name in ('axes', 'fps', 'step', 'times', 'image_size', 'focal_px',
                     'focal_source', 'source', 'skeleton'):
            assert getattr(track, name) == getattr(pieces[0], name)
    result = Pose3DResult.read(path)
    assert (result.name, len(result)) == ('a', 6)


TALL = dict(height=1.88, height_std=.05, size_std=.15, scaled_by=1.07)


@pytest.mark.parametrize('kind', ['json', 'npz'])
def test_heights_that_were_given(tmp_path, kind):
    people = [
        person(number, frames, **known)
        for number, frames, known in ((3, [2, 3], TALL), (3, [9], TALL), (
            1, [2, 3], {}), (0, [2], dict(TALL, height_std=0., size_std=None)))
    ]
    path, = write_results(people, tmp_path / 'a', (kind, ))
    sure, other, tall = sorted(read_results(path), key=lambda t: t.track_id)
    assert {name: getattr(tall, name) for name in TALL} == TALL
    assert (other.height, other.height_std, other.size_std,
            other.scaled_by) == (None, None, None, 1.)
    assert (sure.height, sure.height_std, sure.size_std) == (1.88, 0, None)


def test_heights_of_older_files(tmp_path):
    """They were all given as sure, and their std was scaled alone."""
    path, = write_results(
        person(3, [0, 1], **TALL), tmp_path / 'a', ('json', ))
    document = json.loads(path.read_text())
    document['meta_info']['heights'] = {'3': dict(height=1.88, scaled_by=1.07)}
    path.write_text(json.dumps(document))
    track, = read_results(path)
    assert (track.height, track.height_std, track.size_std,
            track.scaled_by) == (1.88, 0, None, 1.07)


@pytest.mark.parametrize('heights', [
    [], 'tall', 1.8, {'3': 1.88}, {'3': {}}, {'3': {'height': 188,
                                                    'scaled_by': 1}},
    {'3': {'height': 1.88, 'scaled_by': 0}},
    {'3': {'height': 1.88, 'scaled_by': None}},
    {'3': {'height': 1.88, 'scaled_by': 1, 'height_std': -.1}},
    {'3': {'height': 1.88, 'scaled_by': 1, 'height_std': 1.}},
    {'3': {'height': 1.88, 'scaled_by': 1, 'height_std': None}},
    {'3': {'height': 1.88, 'scaled_by': 1, 'size_std': 'x'}},
])  # yapf: disable
def test_heights_that_are_none(tmp_path, heights):
    path, = write_results(person(3, [0, 1]), tmp_path / 'a', ('json', ))
    document = json.loads(path.read_text())
    document['meta_info']['heights'] = heights
    path.write_text(json.dumps(document))
    with pytest.raises(ValueError, match='height|scaled_by|size_std'):
        read_results(path)


@pytest.mark.parametrize('kind', ['json', 'npz'])
def test_what_is_not_known_stays_so(tmp_path, kind):
    bare = person(
        0, [0, 1],
        std=None,
        covariance=None,
        hypotheses=None,
        fps=None,
        root_trajectory=None,
        focal_px=None,
        focal_source=None,
        source=None)
    track, = read_results(write_results(bare, tmp_path / 'a', (kind, ))[0])
    for name in ('std', 'covariance', 'hypotheses', 'fps', 'root_trajectory',
                 'times', 'focal_px', 'seconds'):
        assert getattr(track, name) is None
    uneven = person(0, [0, 1, 2], times=np.array([0., 0.1, 0.15]))
    track, = read_results(write_results(uneven, tmp_path / 'a', (kind, ))[0])
    np.testing.assert_allclose(track.times, [0, 0.1, 0.15])
    every_third = person(0, [0, 3, 6], step=3, fps=10.)
    track, = read_results(
        write_results(every_third, tmp_path / 'a', (kind, ))[0])
    assert (track.step, track.times) == (3, None)
    np.testing.assert_allclose(track.seconds, [0, 0.1, 0.2])


def test_own_joints(tmp_path):
    skeleton = named_skeleton('crane', ('hook', 'left_arm', 'right_arm'),
                              dict(left_arm='hook', right_arm='hook'))
    names = ('keypoints_3d', 'scores', 'std', 'keypoints_2d', 'scores_2d')
    whole = person(0, [0, 1], covariance=None, hypotheses=None)
    track = replace(
        whole,
        skeleton=skeleton,
        **{name: getattr(whole, name)[:, :3]
           for name in names})
    for kind in ('json', 'npz'):
        path, = write_results(track, tmp_path / 'a', (kind, ))
        found = read_results(path)[0].skeleton
        assert found.joints == skeleton.joints
        assert found.parents == (-1, 0, 0) and found.flip_pairs == ((1, 2), )


@pytest.mark.parametrize('change, message', [
    (lambda d: d.pop('meta_info'), 'meta_info'),
    (lambda d: d['meta_info'].pop('axes'), 'axes'),
    (lambda d: d['meta_info'].update(axes='x-up'), 'x-up'),
    (lambda d: d['meta_info'].update(joints=['a', 'b'], parents=[0]),
     'parent of each'),
    (lambda d: d.update(instance_info=[]), 'found none'),
    (lambda d: d['instance_info'][0]['instances'][0].pop('track_id'),
     'track_id'),
    (lambda d: d['instance_info'][0]['instances'][0].pop('keypoints'),
     'keypoints_3d'),
    (lambda d: d['instance_info'][0]['instances'][0].update(keypoints=[[1, 2]]
                                                            ), 'one shape'),
    (lambda d: d['meta_info'].update(
        skeleton='two', joints=['a', 'b'], parents=[-1, 0]), '2 joints'),
])
def test_other_files(tmp_path, change, message):
    path, = write_results(person(0, [0, 1]), tmp_path / 'a', ('json', ))
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))
    with pytest.raises(ValueError, match=message):
        read_results(path)


def test_files_that_are_none(tmp_path):
    with pytest.raises(FileNotFoundError, match='nothing.json'):
        read_results(tmp_path / 'nothing.json')
    (tmp_path / 'a.json').write_text('{')
    with pytest.raises(ValueError, match='a.json: not a JSON file'):
        read_results(tmp_path / 'a.json')
    (tmp_path / 'a.npz').write_bytes(b'no')
    with pytest.raises(ValueError, match='a.npz: expected an npz file'):
        read_results(tmp_path / 'a.npz')
    np.savez(tmp_path / 'b.npz', keypoints=np.zeros(3))
    with pytest.raises(ValueError, match='b.npz: expected an npz file'):
        read_results(tmp_path / 'b.npz')
    view = LifterView(
        np.tile(np.eye(3), (2, 1, 1)), np.zeros((2, 2)), np.ones(2))
    path, = write_results(
        person(0, [0, 1], view=view), tmp_path / 'c', ('npz', ), 'lifter')
    with pytest.raises(ValueError, match='of the lifter.*--axes lifter'):
        read_results(path)
