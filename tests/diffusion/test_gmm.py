# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Mixtures and EM against scikit-learn and torch.distributions."""
import warnings

import numpy as np
import pytest
import torch
from torch.distributions import (Categorical, Independent, MixtureSameFamily,
                                 MultivariateNormal, Normal)

from mmdiffpose.diffusion.gmm import GaussianMixture, fit_gmm

sklearn_mixture = pytest.importorskip('sklearn.mixture')


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def clusters(problems, n, dims, modes, seed=0):
    """Samples (P, n, D) of well-formed random mixtures."""
    g = generator(seed)
    centres = 3 * torch.randn(problems, modes, dims, generator=g)
    scales = 0.3 + torch.rand(problems, modes, dims, generator=g)
    index = torch.randint(modes, (problems, n), generator=g)
    pick = index[..., None].expand(-1, -1, dims)
    noise = torch.randn(problems, n, dims, generator=g)
    return centres.gather(1, pick) + scales.gather(1, pick) * noise


def random_mixture(kind, M=3, J=2, seed=0):
    g = generator(seed)
    weights = torch.rand(M, generator=g).double() + 0.2
    means = torch.randn(M, 3 * J, generator=g).double()
    if kind == 'diag':
        covariance = torch.rand(M, 3 * J, generator=g).double() + 0.1
    else:
        shape = (M, J, 3, 3) if kind == 'joint' else (M, 3 * J, 3 * J)
        root = torch.randn(shape, generator=g).double()
        covariance = root @ root.mT + 0.2 * torch.eye(shape[-1]).double()
    return GaussianMixture(weights / weights.sum(), means, covariance, kind)


def reference(mixture):
    """The same mixture from torch.distributions."""
    if mixture.covariance_type == 'diag':
        parts = Independent(
            Normal(mixture.means, mixture.covariance.sqrt()), 1)
    else:
        covariance = mixture.covariance
        if mixture.covariance_type == 'joint':
            covariance = torch.stack(
                [torch.block_diag(*blocks) for blocks in covariance])
        parts = MultivariateNormal(mixture.means, covariance)
    return MixtureSameFamily(Categorical(mixture.weights), parts)


@pytest.mark.parametrize('kind', ['diag', 'joint', 'full'])
def test_densities_posteriors_and_moments(kind):
    mixture = random_mixture(kind)
    expected = reference(mixture)
    x = torch.randn(50, 6, generator=generator(1)).double()
    torch.testing.assert_close(mixture.log_prob(x), expected.log_prob(x))
    posterior = mixture.component_posterior(x)
    torch.testing.assert_close(
        posterior.sum(-1), torch.ones(50, dtype=torch.float64))
    torch.testing.assert_close(mixture.mean(), expected.mean)
    torch.testing.assert_close(mixture.variance(), expected.variance)
    covariance = mixture.covariance_matrix()
    torch.testing.assert_close(covariance.diagonal(), mixture.variance())


@pytest.mark.parametrize('kind', ['diag', 'joint', 'full'])
def test_samples_have_the_mixtures_moments(kind):
    mixture = random_mixture(kind)
    samples, component = mixture.sample(60000, generator())
    torch.testing.assert_close(
        samples.mean(0), mixture.mean(), atol=0.05, rtol=0)
    torch.testing.assert_close(
        torch.cov(samples.T), mixture.covariance_matrix(), atol=0.12, rtol=0)
    share = torch.bincount(component).double() / 60000
    torch.testing.assert_close(share, mixture.weights, atol=0.01, rtol=0)
    again, _ = mixture.sample(60000, generator())
    torch.testing.assert_close(again, samples)


@pytest.mark.parametrize('kind, dims', [('diag', 4), ('full', 3), ('full', 6)])
@pytest.mark.parametrize('M', [2, 5])
def test_fits_are_as_likely_as_scikit_learns(kind, dims, M):
    """240 problems in all, each side with the same kind of start."""
    x = clusters(40, 200, dims, M, seed=dims * 10 + M)
    _, info = fit_gmm(x, M, kind, max_iter=100, tol=1e-5)
    ours = info.log_likelihood.double().numpy()
    theirs = []
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        for data in x.double().numpy():
            model = sklearn_mixture.GaussianMixture(
                M,
                covariance_type=kind,
                init_params='k-means++',
                tol=1e-5,
                random_state=0)
            theirs.append(model.fit(data).score(data))
    theirs = np.array(theirs)
    assert ours.mean() >= theirs.mean() - 0.01 * abs(theirs.mean())


def test_weights_count_like_repeated_samples():
    x = clusters(3, 30, 3, 2)
    counts = torch.randint(1, 4, (3, 30), generator=generator(2))
    for row, count in zip(x, counts):
        repeated = row.repeat_interleave(count, dim=0)
        a, _ = fit_gmm(row, 2, 'full', weights=count.float(), init='split')
        b, _ = fit_gmm(repeated, 2, 'full', init='split')
        torch.testing.assert_close(a.means, b.means, atol=1e-3, rtol=1e-3)
        torch.testing.assert_close(a.weights, b.weights, atol=1e-3, rtol=0)


@pytest.mark.parametrize('kind', ['diag', 'joint', 'full'])
def test_float32_holds_far_from_the_origin(kind):
    x = clusters(4, 300, 6, 3) * 0.01 + 1000
    small, _ = fit_gmm(x, 3, kind, init='split', reg_covar=1e-9)
    large, _ = fit_gmm(x.double(), 3, kind, init='split', reg_covar=1e-9)
    torch.testing.assert_close(
        small.variance().double(), large.variance(), rtol=0.02, atol=0)


@pytest.mark.parametrize('M', range(1, 10))
@pytest.mark.parametrize('kind', ['diag', 'full'])
def test_degenerate_samples_give_finite_mixtures(kind, M):
    same = torch.ones(9, 3)
    two = torch.cat([torch.zeros(5, 3), torch.ones(4, 3)])
    few = torch.randn(9, 3, generator=generator())
    mixture, _ = fit_gmm(torch.stack([same, two, few]), M, kind)
    for value in (mixture.weights, mixture.means, mixture.covariance):
        assert value.isfinite().all()
    torch.testing.assert_close(mixture.weights.sum(-1), torch.ones(3))
    assert mixture.log_prob(torch.stack([same, two, few])).isfinite().all()


def test_leading_dimensions_are_only_a_batch():
    x = clusters(6, 80, 3, 2)
    flat, _ = fit_gmm(x, 2, 'full', init='split')
    shaped, _ = fit_gmm(x.reshape(2, 3, 80, 3), 2, 'full', init='split')
    torch.testing.assert_close(
        shaped.means.reshape(6, 2, 3), flat.means, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize('arguments, words', [
    (dict(n_components=11), 'components'),
    (dict(covariance_type='tied'), 'tied'),
    (dict(covariance_type='joint'), '3'),
    (dict(init='random'), 'random'),
    (dict(weights=-torch.ones(10)), 'weights'),
])
def test_bad_input_is_named(arguments, words):
    x = torch.randn(10, 4, generator=generator())
    with pytest.raises(ValueError, match=words):
        fit_gmm(x, **{'n_components': 2, **arguments})
    with pytest.raises(ValueError, match='finite'):
        fit_gmm(torch.full((10, 4), float('nan')), 2)
