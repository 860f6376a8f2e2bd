# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Result files and their axes."""

import json

import numpy as np
import pytest

from mmdiffpose.apis.axes import AXES, to_axes
from mmdiffpose.apis.lift import LiftedTrack
from mmdiffpose.apis.result_files import write_json, write_npz


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
