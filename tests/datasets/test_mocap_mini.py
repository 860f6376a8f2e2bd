# Copyright (c) mmdiffpose contributors. All rights reserved.
from pathlib import Path

import mmpose
import numpy as np
import pytest

from mmdiffpose.datasets import MocapMiniDataset
from mmdiffpose.datasets.cameras import VIRTUAL_CAMERAS, project
from mmdiffpose.datasets.mocap_mini import MEAN_PIXEL_ERROR
from mmdiffpose.registry import DATASETS

# MMPose's data sets need the fixes that importing mmdiffpose applies.
from mmpose.datasets.datasets.utils import parse_pose_metainfo  # isort: skip


@pytest.fixture(scope='module')
def tested_split():
    return MocapMiniDataset(seq_len=27, split='test', test_mode=True)


def test_projection_of_target_is_the_2d_truth():
    dataset = MocapMiniDataset(seq_len=27, split='val', keypoint_2d_src='gt')
    for i in range(0, len(dataset), 500):
        sample = dataset.get_data_info(i)
        camera = sample['camera_param']
        found = project(sample['lifting_target'], camera['f'], camera['c'])
        assert np.abs(found - sample['keypoints']).max() < .01
        assert (sample['keypoints_visible'] == 1).all()
        assert 'keypoint_mixtures' not in sample


def test_extrinsics_belong_to_the_views(tested_split):
    """Two cameras' views of one frame are the same world points."""
    by_camera = {}
    for i in range(len(tested_split)):
        sample = tested_split.get_data_info(i)
        if sample['frame_ids'][0] == 0:
            camera = sample['camera_param']
            world = sample['lifting_target'] @ camera['R'].T + camera['T']
            by_camera.setdefault(sample['clip'], []).append(world)
    for worlds in by_camera.values():
        assert len(worlds) == 4
        for world in worlds[1:]:
            np.testing.assert_allclose(world, worlds[0], atol=1e-4)


def test_all_test_frames_once(tested_split):
    seen = set()
    for i in range(len(tested_split)):
        sample = tested_split[i]
        for frame in sample['frame_ids'][sample['valid_frames']]:
            key = sample['clip'], sample['camera'], int(frame)
            assert key not in seen
            seen.add(key)
    assert len(seen) == 4 * 2106


@pytest.mark.parametrize('split', ['train', 'val', 'test'])
def test_noise_is_as_large_as_documented(split):
    dataset = MocapMiniDataset(seq_len=27, split=split)
    error = dataset.mean_pixel_error()
    assert error == pytest.approx(MEAN_PIXEL_ERROR[split], abs=.01)


def test_people_are_inside_the_image():
    outside = {}
    for split in ('train', 'val', 'test'):
        dataset = MocapMiniDataset(27, split, keypoint_2d_src='gt')
        pixels = np.concatenate([s.keypoints_2d for s in dataset.sequences])
        outside[split] = ((pixels < 0) | (pixels >= 1000)).any(axis=-1).mean()
    assert outside['train'] == outside['val'] == 0
    assert outside['test'] < .015


def test_noise_depends_on_the_seed_only():
    whole = MocapMiniDataset(seq_len=27, split='val')
    one = MocapMiniDataset(seq_len=27, split='val', cameras=['v2'])
    same = [s for s in whole.sequences if s.camera == 'v2']
    for ours, theirs in zip(one.sequences, same):
        np.testing.assert_array_equal(ours.keypoints_2d, theirs.keypoints_2d)
        np.testing.assert_array_equal(ours.mixtures, theirs.mixtures)
    other = MocapMiniDataset(27, 'val', cameras=['v2'], noise_seed=1)
    assert np.abs(other.sequences[0].keypoints_2d -
                  one.sequences[0].keypoints_2d).max() > 1


def test_headings_are_new_views_of_the_same_motion():
    dataset = MocapMiniDataset(27, 'val', cameras=['v0'], headings=(0., 90.))
    assert [s.clip for s in dataset.sequences] == [
        'ClimbBoxes_3', 'ClimbBoxes_3h90', 'PlaygroundClimb_3b',
        'PlaygroundClimb_3bh90'
    ]
    plain, turned = dataset.sequences[:2]
    assert plain.action == turned.action == 'ClimbBoxes'
    camera = VIRTUAL_CAMERAS[0]
    before = camera.camera_to_world(plain.keypoints_3d)
    after = camera.camera_to_world(turned.keypoints_3d)
    np.testing.assert_allclose(before[..., 1], after[..., 1], atol=1e-5)
    np.testing.assert_allclose(  # a quarter turn takes z to x
        after[..., 0],
        before[..., 2],
        atol=1e-5)
    np.testing.assert_allclose(after[..., 2], -before[..., 0], atol=1e-5)


def test_metainfo_is_what_mmpose_has_for_human36m():
    ours = MocapMiniDataset(27, 'val', lazy_init=True).metainfo
    # By its full path: a config of ours may have the same relative one.
    theirs = parse_pose_metainfo(
        dict(
            from_file=str(
                Path(mmpose.__file__).parent /
                '.mim/configs/_base_/datasets/h36m.py')))
    theirs['num_keypoints'] = len(theirs['keypoint_id2name'])
    for key in ('dataset_name', 'num_keypoints', 'keypoint_id2name',
                'flip_indices', 'stats_info', 'upper_body_ids',
                'lower_body_ids'):
        assert str(ours[key]) == str(theirs[key]), key
    assert sorted(map(sorted, ours['skeleton_links'])) == sorted(
        map(sorted, theirs['skeleton_links']))
    np.testing.assert_array_equal(ours['keypoint_colors'],
                                  theirs['keypoint_colors'])
    assert MocapMiniDataset.METAINFO['dataset_name'] == 'h36m'


def test_pipeline_by_name():
    dataset = DATASETS.build(
        dict(
            type='mmdiffpose.MocapMiniDataset',
            seq_len=9,
            split='val',
            stride=9,
            random_phase=True,
            pipeline=[
                dict(type='mmdiffpose.RedrawDetectorNoise'),
                dict(type='mmdiffpose.LiftingFlip', prob=1.)
            ]))
    sample = dataset[3]
    assert sample['flip']
    assert sample['keypoint_mixtures'].shape == (9, 17, 2, 5)


@pytest.mark.parametrize('kwargs, error, message', [
    (dict(split='testing'), ValueError, "split.*'testing'"),
    (dict(cameras=['v9']), ValueError, "cameras.*'v9'"),
    (dict(cameras=[]), ValueError, 'cameras'),
    (dict(keypoint_2d_src='cpn'), ValueError, "keypoint_2d_src.*'cpn'"),
    (dict(detector=dict(sigma=3.)), TypeError, 'sigma'),
    (dict(noise=3), TypeError, 'noise'),
])
def test_bad_arguments(kwargs, error, message):
    with pytest.raises(error, match=message):
        MocapMiniDataset(27, **kwargs)
