# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Mixtures as distributions: moments, densities and draws."""
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch import distributions as D

from mmdiffpose.diffusion.gmm import GaussianMixture
from mmdiffpose.diffusion.gmm_mixture import dense_covariance

TYPES = ('diag', 'joint', 'full')


def random_mixture(covariance_type: str,
                   batch=(2, 3),
                   m: int = 4,
                   dims: int = 6,
                   seed: int = 0,
                   dtype: torch.dtype = torch.float64) -> GaussianMixture:
    """Mixtures with overlapping components of different shapes."""
    g = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*batch, *shape, generator=g, dtype=dtype)

    if covariance_type == 'diag':
        covariance = normal(m, dims).exp()
    else:
        blocks = {'joint': (dims // 3, 3), 'full': (dims, )}[covariance_type]
        factor = normal(m, *blocks, blocks[-1])
        eye = torch.eye(blocks[-1], dtype=dtype)
        covariance = factor @ factor.transpose(-1, -2) + 0.3 * eye
    return GaussianMixture(
        normal(m).softmax(-1), 2 * normal(m, dims), covariance,
        covariance_type)


def torch_twin(mixture: GaussianMixture) -> D.MixtureSameFamily:
    """The same mixture as PyTorch's own distribution."""
    dense = dense_covariance(mixture.covariance, mixture.covariance_type)
    return D.MixtureSameFamily(
        D.Categorical(probs=mixture.weights),
        D.MultivariateNormal(mixture.means, dense))


@pytest.mark.parametrize('covariance_type', TYPES)
def test_log_prob_matches_torch(covariance_type: str) -> None:
    mixture = random_mixture(covariance_type)
    x = 3 * torch.randn(2, 3, 7, 6, dtype=torch.float64)
    twin = torch_twin(mixture)
    expected = torch.stack([twin.log_prob(x[..., i, :]) for i in range(7)], -1)
    torch.testing.assert_close(mixture.log_prob(x), expected)


@pytest.mark.parametrize('covariance_type', TYPES)
def test_moments_match_torch(covariance_type: str) -> None:
    mixture = random_mixture(covariance_type)
    twin = torch_twin(mixture)
    torch.testing.assert_close(mixture.mean(), twin.mean)
    torch.testing.assert_close(mixture.variance(), twin.variance)
    torch.testing.assert_close(
        mixture.variance(),
        mixture.covariance_matrix().diagonal(dim1=-2, dim2=-1))


@pytest.mark.parametrize('covariance_type', TYPES)
def test_samples_have_the_moments(covariance_type: str) -> None:
    mixture = random_mixture(covariance_type, batch=(2, ))
    n = 60_000
    samples, component = mixture.sample(n, torch.Generator().manual_seed(1))
    assert samples.shape == (2, n, 6) and component.shape == (2, n)
    spread = mixture.variance().sqrt()
    error = (samples.mean(-2) - mixture.mean()) / spread
    assert error.abs().max() < 5 / n**0.5
    scale = spread[..., None] * spread[..., None, :]
    covariance = torch.stack([torch.cov(s.T) for s in samples])
    error = (covariance - mixture.covariance_matrix()) / scale
    assert error.abs().max() < 10 / n**0.5
    frequency = torch.nn.functional.one_hot(component, 4).double().mean(1)
    assert (frequency - mixture.weights).abs().max() < 5 * 0.5 / n**0.5


@pytest.mark.parametrize('covariance_type', TYPES)
def test_noise_has_the_covariance_of_its_component(
        covariance_type: str) -> None:
    mixture = random_mixture(covariance_type, batch=())
    n = 30_000
    component = torch.arange(4).repeat_interleave(n)
    noise = mixture.noise(component, torch.Generator().manual_seed(2))
    dense = dense_covariance(mixture.covariance, covariance_type)
    for m in range(4):
        part = noise[component == m]
        scale = dense[m].diagonal().sqrt()
        assert (part.mean(0) / scale).abs().max() < 5 / n**0.5
        error = (torch.cov(part.T) - dense[m]) / (scale * scale[:, None])
        assert error.abs().max() < 8 / n**0.5


@pytest.mark.parametrize('covariance_type', TYPES)
def test_posterior_is_bayes_rule(covariance_type: str) -> None:
    mixture = random_mixture(covariance_type)
    x = 3 * torch.randn(2, 3, 7, 6, dtype=torch.float64)
    posterior = mixture.component_posterior(x)
    torch.testing.assert_close(
        posterior.sum(-1), torch.ones(2, 3, 7, dtype=torch.float64))
    twin = torch_twin(mixture)
    component = twin.component_distribution
    for i in range(7):
        joint = component.log_prob(x[..., i, None, :]).exp() * mixture.weights
        torch.testing.assert_close(posterior[..., i, :],
                                   joint / joint.sum(-1, keepdim=True))


@pytest.mark.parametrize('covariance_type', TYPES)
def test_draws_do_not_depend_on_the_batch(covariance_type: str) -> None:
    mixture = random_mixture(covariance_type, batch=(5, ))
    whole = mixture.sample(3, torch.Generator().manual_seed(3))
    noise = mixture.noise(whole[1], torch.Generator().manual_seed(4))
    component = mixture.sample_component(9, torch.Generator().manual_seed(5))
    generators = [torch.Generator().manual_seed(s) for s in (3, 4, 5)]
    for part in (slice(0, 1), slice(1, 2), slice(2, 5)):
        piece = GaussianMixture(mixture.weights[part], mixture.means[part],
                                mixture.covariance[part], covariance_type)
        samples, drawn = piece.sample(3, generators[0])
        torch.testing.assert_close(samples, whole[0][part])
        assert torch.equal(drawn, whole[1][part])
        torch.testing.assert_close(
            piece.noise(drawn, generators[1]), noise[part])
        assert torch.equal(
            piece.sample_component(9, generators[2]), component[part])


def test_same_seed_gives_the_same_draws_in_any_dtype() -> None:
    mixture = random_mixture('full')
    single = mixture.to(dtype=torch.float32)
    assert single.means.dtype == torch.float32
    a, m_a = mixture.sample(20, torch.Generator().manual_seed(6))
    b, m_b = single.sample(20, torch.Generator().manual_seed(6))
    c, _ = mixture.sample(20, torch.Generator().manual_seed(7))
    assert torch.equal(m_a, m_b)
    torch.testing.assert_close(b.double(), a, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(a, c)


def test_component_without_weight_is_never_drawn() -> None:
    mixture = random_mixture('diag', batch=(), m=5)
    weights = torch.tensor([0, 0.5, 0, 0.5, 0], dtype=torch.float64)
    mixture = GaussianMixture(weights, mixture.means, mixture.covariance)
    component = mixture.sample_component(2000,
                                         torch.Generator().manual_seed(8))
    assert set(component.tolist()) == {1, 3}
    x = mixture.means[:1]
    assert mixture.log_prob(x).isfinite().all()
    assert mixture.component_posterior(x)[0, 0] == 0


@given(
    st.sampled_from(TYPES), st.integers(1, 9), st.integers(1, 4),
    st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_colour_undoes_whitening(covariance_type: str, m: int, joints: int,
                                 seed: int) -> None:
    """-2 log N of coloured noise is |z|^2 plus a constant."""
    mixture = random_mixture(covariance_type, (2, ), m, 3 * joints, seed)
    g = torch.Generator().manual_seed(seed)
    component = mixture.sample_component(6, g)
    z = torch.randn(2, 6, 3 * joints, dtype=torch.float64, generator=g)
    mean = mixture.component_mean(component)
    x = mean + mixture.colour(component, z)

    def own(points: Tensor) -> Tensor:
        log_joint = mixture.component_log_prob(points)
        return log_joint.gather(-1, component[..., None])[..., 0]

    torch.testing.assert_close(2 * (own(mean) - own(x)), z.square().sum(-1))


def test_density_far_from_the_origin_in_float32() -> None:
    """Data at 1000 with a width of 0.01: differences, not squares."""
    mixture = GaussianMixture(
        torch.ones(1), torch.full((1, 3), 1000.0), torch.full((1, 3), 1e-4))
    x = 1000 + 0.01 * torch.randn(50, 3)
    exact = mixture.to(dtype=torch.float64).log_prob(x.double())
    torch.testing.assert_close(
        mixture.log_prob(x).double(), exact, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize('weights, means, covariance, kind, message', [
    ((3, ), (4, 6), (4, 6), 'diag', 'weights'),
    ((4, ), (4, 6), (4, 6, 6), 'diag', 'covariance'),
    ((4, ), (4, 6), (4, 3, 3), 'joint', 'covariance'),
    ((4, ), (4, 5), (4, 5), 'joint', '3 \\* joints'),
    ((4, ), (4, 6), (4, 6), 'tied', 'covariance_type'),
])
def test_shapes_must_fit(weights, means, covariance, kind: str,
                         message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GaussianMixture(
            torch.ones(weights), torch.ones(means), torch.ones(covariance),
            kind)


def test_bad_values_are_named() -> None:
    mixture = random_mixture('full', batch=())
    broken = GaussianMixture(mixture.weights, mixture.means,
                             -mixture.covariance, 'full')
    with pytest.raises(ValueError, match='positive definite'):
        broken.sample(2, torch.Generator())
    with pytest.raises(ValueError, match='samples of shape'):
        mixture.log_prob(torch.zeros(3, 5))
