# Copyright (c) mmdiffpose contributors. All rights reserved.
import numpy as np
import pytest

from mmdiffpose.datasets import MocapMiniDataset
from mmdiffpose.datasets.cameras import PinholeCamera, look_at, project
from mmdiffpose.datasets.transforms import TurnToPerson

POSITION = np.array([1., 1.5, 4.])


def make_sample(frames=4):
    """A person at the right edge of a wide picture."""
    camera = PinholeCamera(
        'c',
        1920,
        1080, (1000., 1010.), (950., 560.),
        rotation=look_at(POSITION, np.array([1.5, 1., 0.])),
        position=POSITION)
    rng = np.random.default_rng(0)
    world = rng.normal(size=(frames, 17, 3)) * [.2, .4, .2] + [3., 1., 0.]
    pose = camera.world_to_camera(world)
    pixels = camera.project(pose)
    means = pixels[:, :, None].repeat(2, 2)
    weights = np.full((frames, 17, 2, 1), .5)
    mixtures = np.concatenate([weights, means, 8 * weights, 8 * weights], -1)
    return dict(
        keypoints=pixels.astype(np.float32),
        keypoints_visible=np.ones((frames, 17), np.float32),
        keypoint_mixtures=mixtures.astype(np.float32),
        lifting_target=pose.astype(np.float32),
        camera_param=camera.as_param(),
        world=world)


def test_the_new_camera_sees_the_new_target():
    sample = make_sample()
    turned = TurnToPerson().transform(sample)
    camera = turned['camera_param']
    np.testing.assert_allclose(
        project(turned['lifting_target'], camera['f'], camera['c']),
        turned['keypoints'],
        atol=.05)
    # Its extrinsics are still those of the world.
    pose = (sample['world'] - camera['T']) @ camera['R']
    np.testing.assert_allclose(turned['lifting_target'], pose, atol=1e-5)
    # The median joint is in the middle of the picture.
    middle = np.median(turned['keypoints'].reshape(-1, 2), axis=0)
    np.testing.assert_allclose(middle, [500, 500], atol=25)
    # Nothing of the sample that came in has changed.
    for key, value in make_sample().items():
        if key != 'camera_param':
            np.testing.assert_array_equal(sample[key], value)


def test_distances_and_true_axes_are_kept():
    sample = make_sample()
    turned = TurnToPerson().transform(sample)
    bones = np.diff(turned['lifting_target'], axis=1)
    np.testing.assert_allclose(
        np.linalg.norm(bones, axis=-1),
        np.linalg.norm(np.diff(sample['lifting_target'], axis=1), axis=-1),
        atol=1e-5)
    back = turned['lifting_target'] @ turned['camera_param']['rotation']
    np.testing.assert_allclose(back, sample['lifting_target'], atol=1e-5)


def test_mixtures_turn_with_the_joints():
    turned = TurnToPerson().transform(make_sample())
    mixtures = turned['keypoint_mixtures']
    for component in range(2):
        np.testing.assert_allclose(
            mixtures[:, :, component, 1:3], turned['keypoints'], atol=.05)
    # 4 px at a focal length of 1000 and 1010.
    zoom = turned['camera_param']['f'][0]
    np.testing.assert_allclose(mixtures[..., 3], 4 * zoom / 1000, rtol=1e-5)
    np.testing.assert_allclose(mixtures[..., 4], 4 * zoom / 1010, rtol=1e-5)


def test_missing_joints_move_nothing():
    plain, wild = make_sample(), make_sample()
    for sample in (plain, wild):
        sample['keypoints_visible'][:, 12] = 0
    wild['keypoints'][:, 12] = -3000
    plain, wild = (TurnToPerson().transform(s) for s in (plain, wild))
    np.testing.assert_array_equal(plain['keypoints'], wild['keypoints'])
    assert (wild['keypoints'][:, 12] == 500).all()


def test_occlusion_comes_before_the_turn():
    dataset = MocapMiniDataset(
        seq_len=9,
        split='test',
        test_mode=True,
        occlusion='leg_arm',
        pipeline=[dict(type='mmdiffpose.TurnToPerson')],
        max_sequences=1)
    names = [type(step).__name__ for step in dataset.pipeline.transforms]
    assert names == ['Occlusion', 'TurnToPerson']


def test_a_camera_without_focal_length_is_an_error():
    sample = make_sample()
    del sample['camera_param']['f']
    with pytest.raises(ValueError, match="needs 'f' and 'c'"):
        TurnToPerson().transform(sample)
