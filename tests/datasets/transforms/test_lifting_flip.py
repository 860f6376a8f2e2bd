# Copyright (c) mmdiffpose contributors. All rights reserved.
import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmdiffpose.datasets import MocapMiniDataset
from mmdiffpose.datasets.cameras import normalize_screen, project
from mmdiffpose.datasets.transforms import (LiftingFlip, RedrawDetectorNoise,
                                            flip_sample)
from mmdiffpose.skeletons import H36M_17

ARRAYS = ('keypoints', 'keypoints_visible', 'keypoint_mixtures',
          'lifting_target', 'lifting_target_visible')


@pytest.fixture(scope='module')
def sample():
    return MocapMiniDataset(9, 'val', cameras=['v3']).get_data_info(50)


def _random_sample(seed, width):
    rng = np.random.default_rng(seed)
    joints = rng.uniform(-1, 1, (4, 17, 3)) + [0, 0, 4]
    return dict(
        keypoints=rng.uniform(-50, width, (4, 17, 2)),
        keypoints_visible=rng.uniform(0, 1, (4, 17)),
        keypoint_mixtures=rng.uniform(0, width, (4, 17, 3, 5)),
        lifting_target=joints,
        lifting_target_visible=rng.uniform(0, 1, (4, 17)),
        flip_indices=list(H36M_17.flip_indices),
        camera_param=dict(
            w=width,
            h=700,
            f=rng.uniform(500, 2000, 2),
            c=rng.uniform(0, width, 2),
            R=np.linalg.qr(rng.normal(size=(3, 3)))[0],
            T=rng.normal(size=3),
            k=rng.normal(size=3),
            p=rng.normal(size=2)))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**31), st.integers(64, 4000))
def test_flip_twice_is_identity(seed, width):
    sample = _random_sample(seed, width)
    original = copy.deepcopy(sample)
    twice = flip_sample(flip_sample(sample))
    for key in ARRAYS:
        np.testing.assert_allclose(twice[key], original[key], atol=1e-9)
        np.testing.assert_array_equal(sample[key], original[key])  # untouched
    for key, value in original['camera_param'].items():
        np.testing.assert_allclose(twice['camera_param'][key], value)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**31), st.integers(64, 4000))
def test_mirrored_target_projects_to_mirrored_pixels(seed, width):
    sample = _random_sample(seed, width)
    camera = sample['camera_param']
    sample['keypoints'] = project(sample['lifting_target'], camera['f'],
                                  camera['c'])
    flipped = flip_sample(sample)
    camera = flipped['camera_param']
    np.testing.assert_allclose(
        project(flipped['lifting_target'], camera['f'], camera['c']),
        flipped['keypoints'])


def test_screen_coordinates_are_negated(sample):
    flipped = flip_sample(sample)
    order = list(H36M_17.flip_indices)
    before = normalize_screen(sample['keypoints'], 1000, 1000)[:, order]
    after = normalize_screen(flipped['keypoints'], 1000, 1000)
    np.testing.assert_allclose(after[..., 0], -before[..., 0], atol=1e-6)
    np.testing.assert_allclose(after[..., 1], before[..., 1])


def test_left_and_right_change_places_everywhere(sample):
    flipped = flip_sample(sample)
    left, right = H36M_17.index['left_wrist'], H36M_17.index['right_wrist']
    for key in ARRAYS:
        before, after = sample[key][:, right], flipped[key][:, left]
        mirrored = before.copy()
        if key == 'keypoints':
            mirrored[..., 0] = 1000 - mirrored[..., 0]
        elif key == 'keypoint_mixtures':
            mirrored[..., 1] = 1000 - mirrored[..., 1]
        elif key == 'lifting_target':
            mirrored[..., 0] *= -1
        np.testing.assert_allclose(after, mirrored)


def test_extrinsics_stay_true(sample):
    camera, mirrored = sample['camera_param'], flip_sample(
        sample)['camera_param']
    world = sample['lifting_target'] @ camera['R'].T + camera['T']
    np.testing.assert_allclose(
        (world - mirrored['T']) @ mirrored['R'],
        sample['lifting_target'] * [-1, 1, 1],
        atol=1e-5)


def test_a_flipped_person_is_still_a_person(sample):
    """Left stays left: the chirality of the body is preserved."""

    def chirality(p):
        i = H36M_17.index
        across = p[:, i['left_hip']] - p[:, i['right_hip']]
        up = p[:, i['thorax']] - p[:, i['root']]
        thigh = p[:, i['left_knee']] - p[:, i['left_hip']]
        shin = p[:, i['left_foot']] - p[:, i['left_knee']]
        return np.sign((np.cross(across, up) * (thigh - shin)).sum(axis=-1))

    np.testing.assert_array_equal(
        chirality(sample['lifting_target']),
        chirality(flip_sample(sample)['lifting_target']))


def test_probability_and_seed(sample):
    np.random.seed(3)
    flips = [LiftingFlip(prob=.3)(dict(sample))['flip'] for _ in range(500)]
    assert .2 < np.mean(flips) < .4
    np.random.seed(3)
    assert flips == [
        LiftingFlip(prob=.3)(dict(sample))['flip'] for _ in range(500)
    ]
    assert not LiftingFlip(prob=0.)(dict(sample))['flip']
    assert LiftingFlip(prob=1.)(dict(sample))['flip']


def test_bad_arguments():
    with pytest.raises(ValueError, match='prob'):
        LiftingFlip(prob=1.2)
    with pytest.raises(TypeError, match='flip_prob'):
        LiftingFlip(flip_prob=.5)


def test_a_camera_of_which_only_the_size_is_known():
    sample = _random_sample(3, 640)
    sample['camera_param'] = dict(w=640, h=480)
    flipped = flip_sample(copy.deepcopy(sample))
    assert flipped['camera_param'] == dict(w=640, h=480)
    np.testing.assert_allclose(flipped['keypoints'][:, 1, 0],
                               640 - sample['keypoints'][:, 4, 0])
    transform = RedrawDetectorNoise(prob=1.)
    with pytest.raises(ValueError, match="needs 'f' and 'c'"):
        transform(sample)
