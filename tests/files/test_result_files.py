# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Result files and their axes."""

import importlib.util
import json
from dataclasses import replace

import numpy as np
import pytest

from mmdiffpose.apis import InferenceOptions
from mmdiffpose.apis.frame_results import FrameResults
from mmdiffpose.files.optional_packages import REQUIREMENTS
from mmdiffpose.files.result_files import (FORMATS, write_json, write_npz,
                                           write_results)
from mmdiffpose.lifting.lift import LiftedTrack
from mmdiffpose.structures.axes import AXES, to_axes
from mmdiffpose.structures.lifter_view import LifterView
from mmdiffpose.structures.people import by_person, person_numbers


@pytest.fixture
def lifted():
    rng = np.random.default_rng(0)
    return LiftedTrack(
        keypoints_3d=rng.normal(size=(4, 17, 3)).astype(np.float32),
        scores=rng.uniform(size=(4, 17)).astype(np.float32),
        std=rng.uniform(size=(4, 17)).astype(np.float32),
        hypotheses=rng.normal(size=(4, 3, 17, 3)).astype(np.float32),
        keypoints_2d=rng.uniform(0, 1000, (4, 17, 2)).astype(np.float32),
        scores_2d=rng.uniform(size=(4, 17)).astype(np.float32),
        frame_ids=np.array([7, 8, 9, 10]),
        image_size=(1000, 800),
        fps=30.,
        track_id=2)


def test_axes_are_rotations():
    for rotation in AXES.values():
        np.testing.assert_array_equal(rotation @ rotation.T, np.eye(3))
        assert np.linalg.det(rotation) == pytest.approx(1)
    up, forward = np.array([0., -1, 0]), np.array([0., 0, 1])
    assert to_axes(up, 'y-up').tolist() == [0, 1, 0]
    assert to_axes(up, 'z-up').tolist() == [0, 0, 1]
    assert to_axes(forward, 'z-up').tolist() == [0, 1, 0]
    with pytest.raises(ValueError, match="'x-up'.*camera.*y-up.*z-up"):
        to_axes(up, 'x-up')


def test_json_and_npz_hold_the_same(lifted, tmp_path):
    document = json.loads(
        write_json(lifted, tmp_path / 'a.json', 'z-up').read_text())
    with np.load(write_npz(lifted, tmp_path / 'a.npz', 'z-up')) as file:
        arrays = dict(file)
    meta = document['meta_info']
    assert json.loads(str(arrays['meta'])) == meta
    assert (meta['axes'], meta['unit'], meta['fps']) == ('z-up', 'metre', 30)
    frames = document['instance_info']
    assert [f['frame_id'] for f in frames] == [7, 8, 9, 10]
    person = [f['instances'][0] for f in frames]
    assert person[0]['track_id'] == 2
    for name, key, digits in (('keypoints', 'keypoints_3d',
                               4), ('keypoint_std', 'std',
                                    4), ('keypoint_scores', 'scores', 3),
                              ('keypoints_2d', 'keypoints_2d', 1)):
        np.testing.assert_allclose([p[name] for p in person],
                                   arrays[key],
                                   atol=0.6 * 10**-digits)
    np.testing.assert_allclose(arrays['keypoints_3d'][..., 2],
                               -lifted.keypoints_3d[..., 1])
    assert arrays['hypotheses'].shape == (4, 3, 17, 3)
    assert sorted(p.name for p in tmp_path.iterdir()) == ['a.json', 'a.npz']


def test_what_the_model_does_not_give_is_left_out(lifted, tmp_path):
    lifted.std = lifted.hypotheses = None
    document = json.loads(
        write_json(lifted, tmp_path / 'a.json', 'camera').read_text())
    assert 'keypoint_std' not in document['instance_info'][0]['instances'][0]
    with np.load(write_npz(lifted, tmp_path / 'a.npz', 'camera')) as file:
        assert not {'std', 'hypotheses'} & set(file)


def second_person(lifted, **changes):
    fields = dict(
        frame_ids=np.array([9, 10, 11, 12]),
        track_id=5,
        keypoints_3d=lifted.keypoints_3d[::-1].copy())
    return replace(lifted, **{**fields, **changes})


def test_several_people_share_frames(lifted, tmp_path):
    tracks = [second_person(lifted), lifted]
    json_path, npz_path = write_results(tracks, tmp_path / 'sub' / 'a')
    document = json.loads(json_path.read_text())
    people = {
        frame['frame_id']: [p['track_id'] for p in frame['instances']]
        for frame in document['instance_info']
    }
    assert people == {7: [2], 8: [2], 9: [5, 2], 10: [5, 2], 11: [5], 12: [5]}
    with np.load(npz_path) as file:
        arrays = dict(file)
    assert arrays['track_ids'].tolist() == [5] * 4 + [2] * 4
    assert arrays['frame_ids'].tolist() == [9, 10, 11, 12, 7, 8, 9, 10]
    np.testing.assert_array_equal(arrays['keypoints_3d'][4:],
                                  lifted.keypoints_3d)


def test_hypotheses_on_request(lifted, tmp_path):
    for wanted in (False, True):
        paths = write_results(lifted, tmp_path / 'a', hypotheses=wanted)
        person = json.loads(
            paths[0].read_text())['instance_info'][0]['instances'][0]
        assert ('hypotheses' in person) is wanted
        with np.load(paths[1]) as file:
            assert ('hypotheses' in file) is wanted
    np.testing.assert_allclose(
        person['hypotheses'], lifted.hypotheses[0], atol=1e-4)


def test_roots_and_the_focal_length_they_come_from(lifted, tmp_path):
    rooted = replace(
        lifted,
        root_trajectory=np.arange(12.).reshape(4, 3),
        focal_px=1100.,
        focal_source='given')
    json_path, npz_path = write_results(rooted, tmp_path / 'a', axes='y-up')
    document = json.loads(json_path.read_text())
    meta = document['meta_info']
    assert (meta['focal_px'], meta['focal_source']) == (1100, 'given')
    assert document['instance_info'][1]['instances'][0]['root'] == [3, -4, -5]
    with np.load(npz_path) as file:
        assert file['root'][1].tolist() == [3, -4, -5]


def test_people_without_numbers_get_free_ones(lifted):
    nobody = replace(lifted, track_id=None)
    zero = replace(lifted, track_id=0)
    assert person_numbers([nobody, zero, nobody]) == [1, 0, 2]
    pieces = by_person([second_person(lifted, track_id=2), lifted])
    assert [piece.frame_ids[0] for piece in pieces[2]] == [7, 9]


def test_what_cannot_be_written(lifted, tmp_path):
    with pytest.raises(ValueError, match=r"json.*found \['fbx'\]"):
        write_results(lifted, tmp_path / 'a', ('json', 'fbx'))
    with pytest.raises(ValueError, match='at least one'):
        write_results([], tmp_path / 'a')
    with pytest.raises(ValueError, match='image_size'):
        write_results(
            [lifted, second_person(lifted, image_size=(9, 9))], tmp_path / 'a')
    with pytest.raises(ValueError, match='fps'):
        write_results([lifted, second_person(lifted, fps=None)],
                      tmp_path / 'a')
    with pytest.raises(ValueError, match='unknown axes'):
        write_results(lifted, tmp_path / 'a', axes='x-up')
    assert not list(tmp_path.iterdir())


def test_all_formats_in_the_order_asked_for(lifted, tmp_path):
    """Those whose packages are here."""
    each = ['a.b_person2.{}', 'a.b_person5.{}']
    names = dict(
        json=['a.b.{}'],
        npz=['a.b.{}'],
        csv=['a.b.{}'],
        trc=each,
        html=['a.b.{}'],
        c3d=each,
        bvh=each,
        glb=each,
        rrd=['a.b.{}'],
        opensim=[
            'a.b_opensim/person2.trc', 'a.b_opensim/person5.trc',
            'a.b_opensim/inverse_kinematics.py'
        ],
        angles=['a.b_angles.csv'])
    assert list(names) == list(FORMATS)
    formats = [
        name for name in FORMATS if name not in REQUIREMENTS
        or importlib.util.find_spec(REQUIREMENTS[name].module)
    ]
    paths = write_results([lifted, second_person(lifted)], tmp_path / 'a.b',
                          formats)
    assert [str(path.relative_to(tmp_path)) for path in paths] == [
        name.format(kind) for kind in formats for name in names[kind]
    ]
    assert sorted(paths) == sorted(
        path for path in tmp_path.rglob('*') if path.is_file())


def test_std_along_the_axes_of_the_file(lifted, tmp_path):
    """10, 20 and 30 cm along the camera's; z-up has z forward second."""
    lifted.covariance = np.tile(
        np.diag(np.float32([0.01, 0.04, 0.09])), (4, 17, 1, 1))
    document = json.loads(
        write_json(lifted, tmp_path / 'a.json', 'z-up').read_text())
    person = document['instance_info'][3]['instances'][0]
    assert person['keypoint_std_xyz'] == [[0.1, 0.3, 0.2]] * 17
    with np.load(write_npz(lifted, tmp_path / 'a.npz', 'camera')) as file:
        np.testing.assert_allclose(
            file['std_xyz'], np.tile([0.1, 0.2, 0.3], (4, 17, 1)), rtol=1e-6)
    results = FrameResults([lifted], InferenceOptions(axes='y-up'))
    person, = results.people(9)
    np.testing.assert_allclose(person['keypoint_std_xyz'],
                               np.tile([0.1, 0.2, 0.3], (17, 1)), 1e-6)


def test_the_axes_of_the_lifters_view(lifted, tmp_path):
    """Seen 500 px right of the middle by 500 px: x and z turn by 45
    degrees."""
    lifted.view = LifterView.facing(
        np.tile([1000., 400.], (4, 1)), np.ones(4), 500.,
        np.array([500., 400.]))
    x, y, z = np.moveaxis(lifted.keypoints_3d, -1, 0)
    expected = np.stack([(x - z) / 2**0.5, y, (x + z) / 2**0.5], -1)
    paths = write_results(lifted, tmp_path / 'a', ('json', 'npz', 'csv'),
                          'lifter')
    document = json.loads(paths[0].read_text())
    assert document['meta_info']['axes'] == 'lifter'
    np.testing.assert_allclose(
        [f['instances'][0]['keypoints'] for f in document['instance_info']],
        expected,
        atol=6e-5)
    with np.load(paths[1]) as file:
        np.testing.assert_allclose(file['keypoints_3d'], expected, atol=1e-5)
    rows = np.genfromtxt(
        paths[2], delimiter=',', names=True)[['x', 'y', 'z']].tolist()
    np.testing.assert_allclose(rows, expected.reshape(-1, 3), atol=6e-5)
