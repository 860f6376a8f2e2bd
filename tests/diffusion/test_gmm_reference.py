# Copyright (c) mmdiffpose contributors. All rights reserved.
"""EM against scikit-learn, and against a plain EM written out in numpy."""
import warnings
from typing import Tuple

import numpy as np
import pytest
import torch
from mixtures import dense_covariance, log_prob

from mmdiffpose.diffusion.gmm import GaussianMixture, fit_gmm

sklearn_mixture = pytest.importorskip('sklearn.mixture')
threadpoolctl = pytest.importorskip('threadpoolctl')

NUM_PROBLEMS = 216


@pytest.fixture(autouse=True)
def one_blas_thread():
    """scikit-learn's small products are slowest when they are shared."""
    with threadpoolctl.threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter('ignore')
        yield


def random_problem(index: int) -> Tuple[torch.Tensor, int, str]:
    """Samples (n, D), M and a covariance type; all mixes of them occur."""
    rng = np.random.default_rng(index)
    covariance_type = ('diag', 'full')[index % 2]
    dims = (1, 2, 3, 4, 6, 9)[index // 2 % 6]
    m = 1 + index // 12 % 9
    size = rng.integers(20 + 4 * dims, 60 + 4 * dims, m)
    centres = rng.uniform(0.5, 4) * rng.normal(size=(m, dims))
    parts = [
        centre +
        rng.normal(size=(count, dims)) @ rng.normal(size=(dims, dims))
        for centre, count in zip(centres, size)
    ]
    scale, shift = 10.0**rng.uniform(-1, 2), 10 * rng.normal(size=dims)
    x = np.concatenate(parts) * scale + shift
    return torch.from_numpy(rng.permutation(x)), m, covariance_type


def from_start(mixture: GaussianMixture, max_iter: int,
               tol: float) -> 'sklearn_mixture.GaussianMixture':
    """scikit-learn's EM, to go on from a mixture."""
    precisions = np.linalg.inv(dense_covariance(mixture).numpy())
    if mixture.covariance_type == 'diag':
        precisions = precisions.diagonal(axis1=1, axis2=2)
    return sklearn_mixture.GaussianMixture(
        len(mixture.weights),
        covariance_type=mixture.covariance_type,
        weights_init=mixture.weights.numpy(),
        means_init=mixture.means.numpy(),
        precisions_init=precisions,
        init_params='random',
        max_iter=max_iter,
        tol=tol)


def test_one_iteration_is_scikit_learns() -> None:
    for index in range(0, NUM_PROBLEMS, 3):
        x, m, covariance_type = random_problem(index)
        start, _ = fit_gmm(x, m, covariance_type, max_iter=0)
        ours, _ = fit_gmm(x, m, covariance_type, max_iter=1, tol=0)
        theirs = from_start(start, max_iter=1, tol=0).fit(x)
        scale = float(x.std())
        np.testing.assert_allclose(ours.weights, theirs.weights_, atol=1e-5)
        np.testing.assert_allclose(
            ours.means / scale, theirs.means_ / scale, atol=1e-5)
        covariance = dense_covariance(ours)
        if covariance_type == 'diag':
            covariance = covariance.diagonal(dim1=1, dim2=2)
        np.testing.assert_allclose(
            covariance / scale**2, theirs.covariances_ / scale**2, atol=1e-5)
        # Loose for scikit-learn's sake: its diagonal variances are differences
        # of squares, which cancel where a component has a single sample.
        np.testing.assert_allclose(
            log_prob(ours, x), theirs.score_samples(x), rtol=1e-3, atol=1e-3)


def test_same_start_gives_scikit_learns_likelihood() -> None:
    """In float32, over many problems, to far below one percent."""
    errors = []
    for index in range(NUM_PROBLEMS):
        x, m, covariance_type = random_problem(index)
        x = x.float()
        start, _ = fit_gmm(x.double(), m, covariance_type, max_iter=0)
        ours, info = fit_gmm(x, m, covariance_type, max_iter=25, tol=0)
        theirs = from_start(start, max_iter=25, tol=0).fit(x.double())
        expected = theirs.score(x.double())
        errors.append((float(info.log_likelihood) - expected) / abs(expected))
    errors = np.abs(errors)
    assert len(errors) >= 200
    assert np.median(errors) < 1e-5
    assert errors.mean() < 1e-3
    assert errors.max() < 1e-2


def test_own_start_is_as_good_as_scikit_learns() -> None:
    """Cuts in two against k-means++, on the mean over many problems."""
    differences = []
    for index in range(1, NUM_PROBLEMS, 2):
        x, m, covariance_type = random_problem(index)
        options = dict(max_iter=50, tol=1e-4)
        _, info = fit_gmm(x, m, covariance_type, **options)
        theirs = sklearn_mixture.GaussianMixture(
            m,
            covariance_type=covariance_type,
            init_params='k-means++',
            random_state=index,
            **options).fit(x)
        expected = theirs.score(x)
        differences.append(
            (float(info.log_likelihood) - expected) / abs(expected))
    print(np.mean(differences), np.median(differences))
    assert np.mean(differences) > -5e-3
    assert np.median(differences) > -1e-3


def naive_em(x: np.ndarray, mass: np.ndarray, mixture: GaussianMixture,
             keep: np.ndarray, iterations: int, reg: float) -> tuple:
    """Textbook EM with dense covariances, masked to a structure.

    Args:
        x (np.ndarray): (n, D).
        mass (np.ndarray): Weights of the samples, (n,).
        mixture (GaussianMixture): The start.
        keep (np.ndarray): Which entries of a covariance exist, (D, D).
        iterations (int): How many.
        reg (float): Added to the diagonal.
    """
    weights, means = mixture.weights.numpy(), mixture.means.numpy()
    covariance = dense_covariance(mixture).numpy()
    for _ in range(iterations):
        density = np.empty((len(x), len(weights)))
        for m in range(len(weights)):
            offset = x - means[m]
            energy = (offset @ np.linalg.inv(covariance[m]) * offset).sum(1)
            density[:, m] = weights[m] * np.exp(-energy / 2) / np.sqrt(
                np.linalg.det(covariance[m]))
        posterior = density / density.sum(1, keepdims=True) * mass[:, None]
        total = posterior.sum(0)
        weights = total / total.sum()
        means = posterior.T @ x / total[:, None]
        covariance = np.stack([
            keep * (((x - mean).T * r) @ (x - mean)) / r.sum() +
            reg * np.eye(x.shape[1]) for mean, r in zip(means, posterior.T)
        ])
    return weights, means, covariance


@pytest.mark.parametrize('covariance_type', ['diag', 'joint', 'full'])
def test_weighted_em_written_out(covariance_type: str) -> None:
    rng = np.random.default_rng(0)
    x = np.concatenate([
        rng.normal(size=(80, 6)) @ rng.normal(size=(6, 6)),
        3 + rng.normal(size=(60, 6))
    ])
    mass = rng.uniform(0, 2, len(x))
    keep = np.kron(
        *{
            'diag': (np.eye(6), np.ones((1, 1))),
            'joint': (np.eye(2), np.ones((3, 3))),
            'full': (np.ones((1, 1)), np.ones((6, 6)))
        }[covariance_type])
    options = dict(
        n_components=3,
        covariance_type=covariance_type,
        weights=torch.from_numpy(mass),
        tol=0.,
        reg_covar=1e-3)
    start, _ = fit_gmm(torch.from_numpy(x), max_iter=0, **options)
    ours, _ = fit_gmm(torch.from_numpy(x), max_iter=5, **options)
    weights, means, covariance = naive_em(x, mass, start, keep, 5, 1e-3)
    np.testing.assert_allclose(ours.weights, weights, atol=1e-8)
    np.testing.assert_allclose(ours.means, means, atol=1e-7)
    np.testing.assert_allclose(dense_covariance(ours), covariance, atol=1e-7)
