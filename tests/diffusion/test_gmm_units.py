# Copyright (c) mmdiffpose contributors. All rights reserved.
"""EM in any units: scales, offsets, and the order of a batch."""
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mixtures import TYPES, assert_same, dense_covariance, log_prob, select
from torch import Tensor

from mmdiffpose.diffusion.gmm import GaussianMixture, fit_gmm

types = st.sampled_from(TYPES)
dtypes = st.sampled_from([torch.float32, torch.float64])
seeds = st.integers(0, 10_000)
exponents = st.floats(-6, 6)
# Few and many samples: EM works in float64 or, for float32, in float32.
counts = st.sampled_from([60, 600])
J = 2
D = 3 * J


def samples(seed: int, n: int, problems: int = 3) -> Tensor:
    """Three clusters a problem, correlated and of different widths."""
    rng = np.random.default_rng(seed)
    centres = 2 * rng.normal(size=(problems, 3, D))
    label = rng.integers(3, size=(problems, n))
    mixing = rng.normal(size=(problems, D, D)) / D**0.5
    noise = rng.normal(size=(problems, n, D)) @ mixing
    x = np.take_along_axis(centres, label[..., None], 1) + noise
    return torch.from_numpy(x)


@given(types, dtypes, counts, st.lists(exponents, min_size=D, max_size=D),
       st.floats(-100, 100), seeds)
@settings(max_examples=40, deadline=None)
def test_one_component_has_the_moments_of_the_samples(covariance_type: str,
                                                      dtype: torch.dtype,
                                                      n: int, exponent: list,
                                                      offset: float,
                                                      seed: int) -> None:
    """Each dimension in units of its own, and as far from zero as it likes."""
    width = 10.0**torch.tensor(exponent, dtype=torch.float64)
    x = ((samples(seed, n) + offset) * width).to(dtype)
    mixture, _ = fit_gmm(x, 1, covariance_type, reg_covar=0.)
    keep = np.kron(
        *{
            'diag': (np.eye(D), np.ones((1, 1))),
            'joint': (np.eye(J), np.ones((3, 3))),
            'full': (np.ones((1, 1)), np.ones((D, D)))
        }[covariance_type])
    # In units of the width, which is what the numbers are precise to.
    unit = x.double().numpy() / width.numpy()
    covariance = dense_covariance(mixture) / (width[:, None] * width)
    tolerance = 1e-6 if dtype == torch.float64 else 1e-4 + 1e-6 * abs(offset)
    for found_mean, found, one in zip(mixture.means[:, 0].double() / width,
                                      covariance[:, 0], unit):
        np.testing.assert_allclose(found_mean, one.mean(0), atol=tolerance)
        expected = keep * np.cov(one.T, bias=True)
        np.testing.assert_allclose(found, expected, atol=tolerance)


@given(types, dtypes, counts, st.lists(exponents, min_size=D, max_size=D),
       st.integers(2, 6), seeds)
@settings(max_examples=40, deadline=None)
def test_likelihood_is_that_of_the_mixture_in_any_units(
        covariance_type: str, dtype: torch.dtype, n: int, exponent: list,
        m: int, seed: int) -> None:
    """And it is above that of one Gaussian."""
    width = 10.0**torch.tensor(exponent, dtype=torch.float64)
    x = (samples(seed, n) * width).to(dtype)
    options = dict(covariance_type=covariance_type, reg_covar=0.)
    mixture, info = fit_gmm(x, m, **options)
    torch.testing.assert_close(
        info.log_likelihood.double(),
        log_prob(mixture, x).mean(-1),
        rtol=1e-5,
        atol=1e-3)
    _, single = fit_gmm(x, 1, **options)
    assert (info.log_likelihood > single.log_likelihood - 1e-3).all()


@given(types, dtypes, counts, exponents, st.floats(-10, 10), seeds)
@settings(max_examples=40, deadline=None)
def test_a_fit_scales_and_moves_with_the_data(covariance_type: str,
                                              dtype: torch.dtype, n: int,
                                              exponent: float, offset: float,
                                              seed: int) -> None:
    x = samples(seed, n)
    # A power of two and the same digits: what float32 holds is the same data.
    scale = 2.0**round(3 * exponent)
    near = (x + offset).to(dtype)
    options = dict(
        n_components=3, covariance_type=covariance_type, max_iter=5, tol=0)
    a, _ = fit_gmm(near, reg_covar=1e-4, **options)
    b, _ = fit_gmm(near * scale, reg_covar=1e-4 * scale**2, **options)
    moved = GaussianMixture(a.weights, scale * a.means, scale * a.scale,
                            covariance_type)
    for field in ('weights', 'means', 'scale'):
        expected = getattr(moved, field)
        torch.testing.assert_close(
            getattr(b, field),
            expected,
            rtol=1e-4,
            atol=1e-4 * float(expected.abs().max()))


@pytest.mark.parametrize('covariance_type', ['joint', 'full'])
def test_few_samples_are_fitted_in_float64(covariance_type: str) -> None:
    """EM would multiply what float32 rounds, by up to 1e4."""
    for seed in range(6):
        x = samples(seed, 100).float()
        single, info = fit_gmm(x, 4, covariance_type)
        double, info_64 = fit_gmm(x.double(), 4, covariance_type)
        assert torch.equal(info.n_iter, info_64.n_iter)
        # Below the last place but one of float32.
        for field in ('weights', 'means', 'scale'):
            torch.testing.assert_close(
                getattr(single, field),
                getattr(double, field).float(),
                rtol=2e-7,
                atol=1e-9)


@pytest.mark.parametrize('seed', [62, 91, 106])
def test_narrow_in_dimensions_that_nearly_depend(seed: int) -> None:
    """What is left of a dimension beside the others is narrow by itself; a
    component is narrower still."""
    x = samples(seed, 600, problems=5).float()
    options = dict(covariance_type='full', max_iter=10, tol=0)
    _, info = fit_gmm(x, 3, **options)
    _, info_64 = fit_gmm(x.double(), 3, **options)
    torch.testing.assert_close(
        info.log_likelihood.double(),
        info_64.log_likelihood,
        rtol=0,
        atol=1e-4)


@given(types, dtypes, counts, seeds)
@settings(max_examples=40, deadline=None)
def test_the_order_of_a_batch_does_not_matter(covariance_type: str,
                                              dtype: torch.dtype, n: int,
                                              seed: int) -> None:
    x = samples(seed, n, problems=5).to(dtype)
    order = torch.from_numpy(np.random.default_rng(seed).permutation(5))
    whole, info = fit_gmm(x, 3, covariance_type, max_iter=10, tol=0)
    mixed, info_mixed = fit_gmm(
        x[order], 3, covariance_type, max_iter=10, tol=0)
    torch.testing.assert_close(
        info_mixed.log_likelihood,
        info.log_likelihood[order],
        rtol=1e-4,
        atol=1e-4)
    if dtype == torch.float64 or (n <= 512 and covariance_type != 'diag'):
        assert_same(mixed, select(whole, order), rtol=1e-5, atol=1e-5)


@given(types, counts, seeds)
@settings(max_examples=20, deadline=None)
def test_the_order_of_the_samples_does_not_matter(covariance_type: str, n: int,
                                                  seed: int) -> None:
    x = samples(seed, n)
    order = torch.from_numpy(np.random.default_rng(seed).permutation(n))
    a, _ = fit_gmm(x, 3, covariance_type, max_iter=10, tol=0)
    b, _ = fit_gmm(x[:, order], 3, covariance_type, max_iter=10, tol=0)
    assert_same(a, b, rtol=1e-5, atol=1e-5)
