# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Mixtures: the noise of their components, and what they refuse."""
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mixtures import TYPES, dense_covariance, dense_scale, seeded
from torch import Tensor

from mmdiffpose.diffusion.gmm import GaussianMixture


def random_mixture(covariance_type: str,
                   batch=(2, 3),
                   m: int = 4,
                   dims: int = 6,
                   seed: int = 0,
                   dtype: torch.dtype = torch.float64) -> GaussianMixture:
    """Mixtures with overlapping components of different shapes."""
    g = seeded(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*batch, *shape, generator=g, dtype=dtype)

    if covariance_type == 'diag':
        scale = normal(m, dims).exp()
    else:
        blocks = {'joint': (dims // 3, 3), 'full': (dims, )}[covariance_type]
        scale = normal(m, *blocks, blocks[-1]).tril(-1)
        scale = scale + torch.diag_embed(normal(m, *blocks).exp())
    return GaussianMixture(
        normal(m).softmax(-1), 2 * normal(m, dims), scale, covariance_type)


@pytest.mark.parametrize('covariance_type', TYPES)
def test_noise_has_the_covariance_of_its_component(
        covariance_type: str) -> None:
    mixture = random_mixture(covariance_type, batch=())
    n = 30_000
    component = torch.arange(4).repeat_interleave(n)
    white = torch.randn(4 * n, 6, generator=seeded(2), dtype=torch.float64)
    noise = mixture.colour(component, white)
    dense = dense_covariance(mixture)
    for m in range(4):
        part = noise[component == m]
        scale = dense[m].diagonal().sqrt()
        assert (part.mean(0) / scale).abs().max() < 5 / n**0.5
        error = (torch.cov(part.T) - dense[m]) / (scale * scale[:, None])
        assert error.abs().max() < 8 / n**0.5


@given(
    st.sampled_from(TYPES), st.integers(1, 9), st.integers(1, 4),
    st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_colour_and_mean_one_sample_at_a_time(covariance_type: str, m: int,
                                              joints: int, seed: int) -> None:
    mixture = random_mixture(covariance_type, (2, ), m, 3 * joints, seed)
    g = seeded(seed)
    component = torch.randint(m, (2, 6), generator=g)
    white = torch.randn(2, 6, 3 * joints, dtype=torch.float64, generator=g)
    noise = mixture.colour(component, white)
    means = mixture.component_mean(component)
    dense = dense_scale(mixture)
    for b in range(2):
        for i in range(6):
            own = component[b, i]
            torch.testing.assert_close(noise[b, i],
                                       dense[b, own] @ white[b, i])
            assert torch.equal(means[b, i], mixture.means[b, own])


@pytest.mark.parametrize('weights, means, scale, kind, message', [
    ((3, ), (4, 6), (4, 6), 'diag', 'weights'),
    ((4, ), (4, 6), (4, 6, 6), 'diag', 'scale'),
    ((4, ), (4, 6), (4, 3, 3), 'joint', 'scale'),
    ((4, ), (4, 5), (4, 5), 'joint', '3 \\* joints'),
    ((4, ), (4, 6), (4, 6), 'tied', 'covariance_type'),
])
def test_shapes_must_fit(weights, means, scale, kind: str,
                         message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GaussianMixture(
            torch.ones(weights), torch.ones(means), torch.ones(scale), kind)
