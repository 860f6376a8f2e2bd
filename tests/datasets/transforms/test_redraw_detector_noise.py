# Copyright (c) mmdiffpose contributors. All rights reserved.
import numpy as np
import pytest

from mmdiffpose.datasets import MocapMiniDataset
from mmdiffpose.datasets.cameras import project
from mmdiffpose.datasets.transforms import RedrawDetectorNoise, flip_sample


def _sample(**kwargs):
    dataset = MocapMiniDataset(27, 'val', cameras=['v1'], **kwargs)
    return dataset.get_data_info(40)


def _error(sample):
    camera = sample['camera_param']
    truth = project(sample['lifting_target'], camera['f'], camera['c'])
    return np.linalg.norm(sample['keypoints'] - truth, axis=-1).mean()


def test_fresh_noise_each_time_repeatable_by_seed():
    redraw = RedrawDetectorNoise()
    np.random.seed(0)
    first, second = redraw(_sample()), redraw(_sample())
    np.random.seed(0)
    again = redraw(_sample())
    for key in ('keypoints', 'keypoints_visible', 'keypoint_mixtures'):
        assert first[key].dtype == np.float32
        assert first[key].shape == _sample()[key].shape
        assert np.abs(first[key] - second[key]).max() > .01
        np.testing.assert_array_equal(first[key], again[key])


@pytest.mark.parametrize('flip', [False, True])
def test_noise_is_around_the_projection(flip):
    np.random.seed(0)
    redraw = RedrawDetectorNoise()
    sample = flip_sample(_sample()) if flip else _sample()
    errors = [_error(redraw(dict(sample))) for _ in range(20)]
    assert 4 < np.mean(errors) < 11


def test_exact_keypoints_get_noise_but_no_mixtures():
    sample = RedrawDetectorNoise()(_sample(keypoint_2d_src='gt'))
    assert _error(sample) > 1
    assert 'keypoint_mixtures' not in sample


def test_probability_and_parameters():
    np.random.seed(0)
    before = _sample()
    kept = RedrawDetectorNoise(prob=0.)(_sample())
    np.testing.assert_array_equal(kept['keypoints'], before['keypoints'])
    quiet = RedrawDetectorNoise(detector=dict(scale=.01, swap_rate=0.))
    assert _error(quiet(_sample())) < .5


def test_bad_arguments():
    with pytest.raises(ValueError, match='prob'):
        RedrawDetectorNoise(prob=-1)
    with pytest.raises(TypeError, match='sigmas'):
        RedrawDetectorNoise(detector=dict(sigmas=1))
