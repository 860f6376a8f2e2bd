# Copyright (c) mmdiffpose contributors. All rights reserved.
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import spearmanr

from mmdiffpose.datasets.cameras import VIRTUAL_CAMERAS
from mmdiffpose.datasets.mocap_mini_file import load_mocap_mini
from mmdiffpose.datasets.simulation.detector_noise import (PUBLISHED_ERROR_PX,
                                                           Detections,
                                                           DetectorNoise,
                                                           mean_pixel_error,
                                                           noise_generator)

LIMBS = [1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16]
MIRRORED = [4, 5, 6, 1, 2, 3, 14, 15, 16, 11, 12, 13]


@pytest.fixture(scope='module')
def views():
    """All clips seen by all cameras: truth and detections in px."""
    noise, truths, found = DetectorNoise(), [], []
    for clip in load_mocap_mini()[0]:
        for camera in VIRTUAL_CAMERAS:
            truth = camera.project(camera.world_to_camera(clip.positions))
            rng = noise_generator(1, clip.subject, clip.clip, camera.name)
            truths.append(truth)
            found.append(noise.detect(truth, rng))
    return np.concatenate(truths), Detections(*(np.concatenate(part)
                                                for part in zip(*found)))


def _track(frames=400):
    clip = load_mocap_mini()[0][0]
    camera = VIRTUAL_CAMERAS[0]
    return camera.project(camera.world_to_camera(clip.positions[:frames]))


def test_shapes_and_ranges(views):
    truth, found = views
    assert found.keypoints.shape == truth.shape
    assert found.scores.shape == truth.shape[:2]
    assert found.mixtures.shape == truth.shape[:2] + (2, 5)
    assert 0 <= found.scores.min() and found.scores.max() <= 1
    assert found.mixtures[..., 3:].min() > 0
    np.testing.assert_allclose(
        found.mixtures[..., 0].sum(axis=-1), 1, atol=1e-6)
    # The detection is the heavier mode.
    np.testing.assert_array_equal(found.keypoints, found.mixtures[:, :, 0,
                                                                  1:3])
    assert (found.mixtures[..., 0, 0] >= found.mixtures[..., 1, 0]).all()


def test_mean_error_is_the_published_one(views):
    truth, found = views
    error = mean_pixel_error(found.keypoints, truth)
    assert error == pytest.approx(PUBLISHED_ERROR_PX, rel=.05)


def test_end_joints_are_noisier(views):
    truth, found = views
    error = np.linalg.norm(found.keypoints - truth, axis=-1).mean(axis=0)
    hip, knee, foot = (error[[i, i + 3]].mean() for i in (1, 2, 3))
    shoulder, elbow, wrist = (error[[i, i + 3]].mean() for i in (11, 12, 13))
    assert hip < knee < foot
    assert shoulder < elbow < wrist


def test_mixture_has_calibrated_width(views):
    truth, found = views
    weight = found.mixtures[..., :1]
    mean, std = found.mixtures[..., 1:3], found.mixtures[..., 3:]
    center = (weight * mean).sum(axis=2)
    variance = (weight * (std**2 + mean**2)).sum(axis=2) - center**2
    normalised = (truth - center)**2 / variance
    assert normalised.mean() == pytest.approx(1, abs=.08)
    single = found.mixtures[..., 0, 0] == 1
    assert normalised[single].mean() == pytest.approx(1, abs=.08)
    assert normalised[~single].mean() == pytest.approx(1, abs=.15)


def test_mixture_has_calibrated_weights(views):
    truth, found = views
    distance = np.linalg.norm(
        truth[:, :, None] - found.mixtures[..., 1:3],
        axis=-1) / found.mixtures[..., 3]
    clear = (distance.min(axis=-1) < 3) & (distance.max(axis=-1) > 4)
    main_is_true = distance.argmin(axis=-1) == 0
    weight = found.mixtures[..., 0, 0]
    for low, high in ((.55, .75), (.75, .95)):
        chosen = clear & (weight > low) & (weight < high)
        assert chosen.sum() > 1000
        assert main_is_true[chosen].mean() == pytest.approx(
            weight[chosen].mean(), abs=.08)


def test_unambiguous_joints_have_one_mode(views):
    """A second mode of weight zero must not be a second look at the truth."""
    _, found = views
    single = found.mixtures[..., 0, 0] == 1
    assert .8 < single.mean() < .98
    np.testing.assert_array_equal(found.mixtures[single][:, 0, 1:],
                                  found.mixtures[single][:, 1, 1:])


def test_outliers_and_swaps_happen_but_seldom(views):
    truth, found = views
    error = np.linalg.norm(found.keypoints - truth, axis=-1)
    assert .005 < (error > 25).mean() < .04
    # Limbs that are far apart in the image, each found at the other's place.
    apart = np.linalg.norm(truth[:, LIMBS] - truth[:, MIRRORED], axis=-1)
    crossed = np.linalg.norm(
        found.keypoints[:, LIMBS] - truth[:, MIRRORED], axis=-1)
    swapped = (apart > 80) & (crossed < 25)
    assert .001 < swapped[apart > 80].mean() < .02
    # Whole legs, not single joints: where knees and feet are far apart, one
    # knee is seldom swapped alone.
    knee, others = 1, [2, 4, 5]
    wide = (apart[:, [knee, *others]] > 60).all(axis=1) & swapped[:, knee]
    assert wide.sum() > 10
    assert (crossed[wide][:, others] < 30).mean() > .7


def test_jitter_is_correlated_in_time_but_not_only():
    noise = DetectorNoise(distractor_rate=0, swap_rate=0, difficulty=0)
    rng = np.random.default_rng(0)
    still = np.repeat(_track(1), 4000, axis=0)
    error = noise.detect(still, rng).keypoints - still
    error /= error.std(axis=0)
    for lag in (1, 5, 10):
        found = (error[lag:] * error[:-lag]).mean()
        expected = noise.correlated_share * np.exp(
            -lag / (noise.fps * noise.correlation_time))
        assert found == pytest.approx(expected, abs=.04)


def test_scores_tell_of_errors_imperfectly(views):
    truth, found = views
    error = np.linalg.norm(found.keypoints - truth, axis=-1)
    correlation = spearmanr(error.ravel(), found.scores.ravel())[0]
    assert -.6 < correlation < -.25


def test_same_seed_and_names_same_noise():
    truth, noise = _track(), DetectorNoise()

    def draw(*names):
        return noise.detect(truth, noise_generator(*names))

    first = draw(3, 'S1', 'Walking_1', 'v0')
    draw(3, 'S1', 'Walking_1', 'v1')  # what is drawn between doesn't matter
    again = draw(3, 'S1', 'Walking_1', 'v0')
    for one, other in zip(first, again):
        np.testing.assert_array_equal(one, other)
    for names in ((4, 'S1', 'Walking_1', 'v0'), (3, 'S2', 'Walking_1', 'v0'),
                  (3, 'S1', 'Walking_2', 'v0'), (3, 'S1', 'Walking_1', 'v1')):
        assert np.abs(draw(*names).keypoints - first.keypoints).max() > 1


def test_seeds_mean_the_same_on_every_machine():
    found = noise_generator(3, 'S1', 'Walking_1', 'v0').integers(1000, size=3)
    np.testing.assert_array_equal(found, [734, 261, 500])


def test_noise_scales_with_the_person_in_the_image():
    truth, noise = _track(), DetectorNoise(swap_rate=0)
    near = noise.detect(truth, np.random.default_rng(0)).keypoints - truth
    far = noise.detect(truth / 2, np.random.default_rng(0)).keypoints
    np.testing.assert_allclose(far - truth / 2, near / 2, atol=1e-3)


def test_no_noise_is_the_truth():
    truth = _track()
    perfect = replace(DetectorNoise(), scale=0., swap_rate=0.)
    found = perfect.detect(truth, np.random.default_rng(0))
    np.testing.assert_allclose(found.keypoints, truth, atol=1e-3)


def test_single_frame():
    found = DetectorNoise().detect(_track(1), np.random.default_rng(0))
    assert found.keypoints.shape == (1, 17, 2)


@pytest.mark.parametrize('kwargs, error, message', [
    (dict(joint_sigma=(1., ) * 16), ValueError, 'joint_sigma.*17.*16'),
    (dict(main_weight=(.4, .9)), ValueError, 'main_weight'),
    (dict(correlated_share=1.5), ValueError, 'correlated_share'),
    (dict(sigma=3), TypeError, 'sigma'),
])
def test_bad_parameters(kwargs, error, message):
    with pytest.raises(error, match=message):
        DetectorNoise(**kwargs)
