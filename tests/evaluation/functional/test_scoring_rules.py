# Copyright (c) mmdiffpose contributors. All rights reserved.
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmdiffpose.evaluation.functional import (crps_ensemble, crps_gaussian,
                                              energy_score)

laws = settings(deadline=None, max_examples=30)
seeds = st.integers(0, 2**32 - 1)


def test_by_hand():
    # Samples 0 and 2, truth 3: E|X - y| = 2, half of E|X - X'| = 1 / 2.
    samples, truth = np.array([0., 2.]), np.array(3.)
    assert crps_ensemble(samples, truth) == pytest.approx(1.5)
    assert crps_ensemble(samples, truth, fair=True) == pytest.approx(1)
    vectors = samples[:, None] * [0.6, 0.8, 0]
    there = 3 * np.array([0.6, 0.8, 0])
    assert energy_score(vectors, there) == pytest.approx(1.5)
    assert energy_score(vectors, there, fair=True) == pytest.approx(1)


@laws
@given(seed=seeds, number=st.integers(1, 9), fair=st.booleans())
def test_crps_is_the_energy_score_in_one_dimension(seed, number, fair):
    generator = np.random.default_rng(seed)
    samples = generator.normal(size=(4, 5, number))
    truth = generator.normal(size=(4, 5))
    np.testing.assert_allclose(
        crps_ensemble(samples, truth, fair),
        energy_score(samples[..., None], truth[..., None], fair),
        atol=1e-12)


@laws
@given(seed=seeds, scale=st.floats(0.01, 100))
def test_scores_carry_the_unit_and_ignore_the_origin(seed, scale):
    generator = np.random.default_rng(seed)
    samples = generator.normal(size=(3, 6, 3))
    truth = generator.normal(size=(3, 3))
    shift = generator.normal(size=3)
    np.testing.assert_allclose(
        energy_score(scale * samples + shift, scale * truth + shift),
        scale * energy_score(samples, truth))


def test_one_sample_gives_the_error():
    generator = np.random.default_rng(0)
    samples, truth = generator.normal(size=(2, 5, 3))
    np.testing.assert_allclose(
        energy_score(samples[:, None], truth),
        np.linalg.norm(samples - truth, axis=-1))
    np.testing.assert_allclose(
        crps_gaussian(samples, np.zeros(()), truth), np.abs(samples - truth))


def test_gaussian_is_the_limit_of_many_samples():
    generator = np.random.default_rng(1)
    mean, truth = generator.normal(size=(2, 3))
    std = np.array([0.5, 1, 2])
    samples = mean[:,
                   None] + std[:, None] * generator.normal(size=(3, 200_000))
    np.testing.assert_allclose(
        crps_gaussian(mean, std, truth),
        crps_ensemble(samples, truth),
        rtol=5e-3)


def test_the_true_width_scores_best():
    truth = np.random.default_rng(2).normal(size=20_000)
    widths = [0.25, 0.5, 1, 2, 4]
    scores = [
        crps_gaussian(0 * truth, np.array(w), truth).mean() for w in widths
    ]
    assert widths[int(np.argmin(scores))] == 1


def test_same_values_as_scoringrules():
    scoringrules = pytest.importorskip('scoringrules')
    generator = np.random.default_rng(3)
    samples = generator.normal(size=(6, 8, 3))
    truth = generator.normal(size=(6, 3))
    std = generator.gamma(2, size=(6, 3))
    np.testing.assert_allclose(
        energy_score(samples, truth),
        scoringrules.es_ensemble(truth, samples, backend='numpy'))
    each = samples.swapaxes(1, 2)
    np.testing.assert_allclose(
        crps_ensemble(each, truth),
        scoringrules.crps_ensemble(
            truth, each, estimator='nrg', backend='numpy'))
    np.testing.assert_allclose(
        crps_ensemble(each, truth, fair=True),
        scoringrules.crps_ensemble(
            truth, each, estimator='fair', backend='numpy'))
    np.testing.assert_allclose(
        crps_gaussian(samples[:, 0], std, truth),
        scoringrules.crps_normal(truth, samples[:, 0], std, backend='numpy'))


def test_bad_input():
    with pytest.raises(ValueError, match='do not fit'):
        crps_ensemble(np.zeros((4, 5)), np.zeros(5))
    with pytest.raises(ValueError, match='do not fit'):
        energy_score(np.zeros((4, 0, 3)), np.zeros((4, 3)))
    with pytest.raises(ValueError, match='negative'):
        crps_gaussian(np.zeros(2), np.array([1., -1.]), np.zeros(2))
