# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The released ``*_gmm.npz``, from the file to a codec's labels."""
import numpy as np
import pytest
from test_h36m_converter import build, source_content, write_source

from mmdiffpose.codecs import GMMDiffusionPose
from mmdiffpose.datasets.annotation_files.released_mixtures import (
    convert_mixtures, tidy_mixtures)

CLIP = 'S9', 'Walking'


@pytest.fixture
def convert(monkeypatch, request):
    monkeypatch.syspath_prepend(request.config.rootpath / 'tools' /
                                'dataset_converters')
    from h36m import main
    return main


def released(frames=6, seed=0):
    """Three kernels a joint, (F, 17, 3, 5)."""
    rng = np.random.default_rng(seed)
    array = rng.uniform(1, 9, (frames, 17, 3, 5))
    array[..., 0] /= array[..., 0].sum(-1, keepdims=True)
    array[..., 1:3] += rng.uniform(200, 800, (frames, 17, 1, 2))
    return array


def test_columns_become_stds_in_pixels():
    array = released()
    np.testing.assert_allclose(tidy_mixtures(array, 'f'), array, rtol=1e-5)
    for scale, std in (('pixel_variance', np.sqrt(array[..., 3:])),
                       ('normalized_std', array[..., 3:] * 500)):
        tidy = tidy_mixtures(array, 'f', scale, image_width=1000)
        assert tidy.dtype == np.float32
        np.testing.assert_allclose(tidy[..., :3], array[..., :3], rtol=1e-5)
        np.testing.assert_allclose(tidy[..., 3:], std, rtol=1e-5)
    # What the codec makes of the last is the number in the file: the noise
    # of the released training.
    label = GMMDiffusionPose(num_components=3).encode(
        array[:, :, 0, 1:3],
        camera_param=dict(w=1000, h=1000),
        keypoint_mixtures=tidy)['mixture_labels']
    np.testing.assert_allclose(label[..., 3:], array[..., 3:], rtol=1e-4)
    with pytest.raises(ValueError, match='pixel_std'):
        tidy_mixtures(array, 'f', 'metres')


def test_kernels_without_weight_need_no_width():
    """Weights (1, 0, 0), as they are reported to be."""
    array = released()
    array[..., 0] = [4., 0, 0]
    array[..., 1:, 1:] = 0
    tidy = tidy_mixtures(array, 'f')
    np.testing.assert_allclose(tidy[..., 0, :],
                               array[..., 0, :] * [.25, 1, 1, 1, 1])
    assert (tidy[..., 1:, 0] == 0).all()
    np.testing.assert_array_equal(tidy[..., 1, 1:], tidy[..., 0, 1:])
    encoded = GMMDiffusionPose(num_components=3).encode(
        array[:, :, 0, 1:3],
        camera_param=dict(w=1000, h=1000),
        keypoint_mixtures=tidy)
    assert (encoded['mixture_labels'][..., 3:] > 0).all()


def broken(array, what):
    if what == 'keypoints':
        return array[:, :, 0, 1:3], 'expected .F, 17, M, 5.*--detections'
    if what == 'joints':
        return array[:, :16], r'\(6, 16, 3, 5\)'
    if what == 'columns':
        return array[..., :4], r'\(6, 17, 3, 4\)'
    if what == 'nan':
        array[2, 5, 1, 3] = np.nan
        return array, r'frame 2, joint 5 \(left_knee\) has NaN'
    if what == 'negative':
        array[2, 5, 1, 0] = -1
        return array, 'negative weight'
    if what == 'no weight':
        array[3, 0, :, 0] = 0
        return array, r'frame 3, joint 0 \(root\) has weights that are all 0'
    if what == 'no width':
        array[3, 1, 2, 4] = 0
        return array, 'without width'
    if what == 'normalised':
        array[..., 1:3] = array[..., 1:3] / 500 - 1
        return array, 'px from the true joints'
    raise AssertionError(what)


@pytest.mark.parametrize('what', [
    'keypoints', 'joints', 'columns', 'nan', 'negative', 'no weight',
    'no width', 'normalised'
])
def test_what_is_wrong_is_said(what):
    truth = released()[:, :, 0, 1:3]
    array, message = broken(released(), what)
    with pytest.raises(ValueError, match=message) as error:
        convert_mixtures(array, truth, 'gmm.npz: S9_Walking')
    assert str(error.value).startswith('gmm.npz: S9_Walking')


def test_from_the_file_to_the_sample(tmp_path, convert):
    content, _, cameras = source_content()
    views = content['mixtures'][CLIP[0]][CLIP[1]]
    for view in views:
        view[..., 0] = [1, 0, 0]
        view[:, :, 1:, 1:] = 0
        view[..., 3:] *= np.arange(1, 18)[None, :, None, None]
    arguments = write_source(tmp_path, content, cameras)
    report = convert([*arguments, '--mixture-scale', 'pixel_variance'])
    # The videos run on; what is over is left out and said.
    assert any('gmm.npz: S9 "Walking"' in note and 'left out' in note
               for note in report['notes'])
    dataset = build(tmp_path / 'out', 'test')
    sample = dataset[0]
    assert (sample['subject'], sample['clip']) == ('S9', 'Walking')
    np.testing.assert_allclose(
        sample['keypoint_mixtures'][0, :, 0, 3],
        np.sqrt(3 * np.arange(1, 18)),
        rtol=1e-5)
    np.testing.assert_allclose(
        sample['keypoint_mixtures'][:, :, 2, 1:3],
        sample['keypoints'],
        atol=1e-3)


@pytest.mark.parametrize('what, message', [
    ('keypoints', r'gmm.npz \(S9_Walking.54138969\).*--detections'),
    ('key', 'positions_2d'),
    ('clip', 'lacks S9 "Walking"'),
    ('cameras', 'seen by 3 cameras'),
])
def test_a_foreign_file_stops_the_conversion(tmp_path, convert, what, message):
    content, _, cameras = source_content()
    clips = content['mixtures'][CLIP[0]]
    if what == 'keypoints':
        clips[CLIP[1]] = content['detections'][CLIP[0]][CLIP[1]]
    elif what == 'cameras':
        clips[CLIP[1]] = clips[CLIP[1]][:3]
    elif what == 'clip':
        del clips[CLIP[1]]
    arguments = write_source(tmp_path, content, cameras)
    if what == 'key':
        name = arguments[arguments.index('--mixtures') + 1]
        np.savez(name, mixtures=content['mixtures'])
    with pytest.raises(ValueError, match=message):
        convert(arguments)
    out = tmp_path / 'out' / 'joint_2d_det_files'
    assert not list(out.glob('*test*'))
