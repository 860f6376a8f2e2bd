# Copyright (c) mmdiffpose contributors. All rights reserved.
"""EM on data that make it collapse: no NaN, and a mixture that works."""
import pytest
import torch
from mixtures import TYPES, assert_same, log_prob, seeded
from torch import Tensor

from mmdiffpose.diffusion.gmm import FitInfo, GaussianMixture, fit_gmm


def assert_finite(mixture: GaussianMixture, info: FitInfo, x: Tensor) -> None:
    for value in (mixture.weights, mixture.means, mixture.scale,
                  info.log_likelihood):
        assert value.isfinite().all()
    assert log_prob(mixture, x).isfinite().all()
    component = mixture.weights.argmax(-1, keepdim=True)
    white = torch.randn(
        component.shape + x.shape[-1:], generator=seeded()).to(x)
    assert mixture.colour(component, white).isfinite().all()
    torch.testing.assert_close(
        mixture.weights.sum(-1), torch.ones_like(mixture.weights[..., 0]))


def odd_data(name: str, dims: int) -> tuple:
    """Samples (2, n, D) on which EM is prone to fail, and weights."""
    g = seeded()
    x = torch.randn(2, 100, dims, generator=g)
    scales = {'tiny': 1e-18, 'huge': 1e18, 'offset': 1e-2}
    if name in scales:
        return x * scales[name] + (1e3 if name == 'offset' else 0), None
    if name == 'all equal':
        return torch.full_like(x, 3.), None
    if name == 'n equals M':
        return x[:, :5], None
    if name == 'duplicates':
        return x[:, :4].repeat(1, 10, 1), None
    if name == 'constant dimensions':
        return x * torch.arange(dims), None
    if name == 'dependent dimensions':
        return x[..., :1] * torch.arange(1, dims + 1), None
    if name == 'one sample with weight':
        return x, torch.eye(100)[:2]
    if name == 'far sample without weight':
        weights = torch.ones(2, 100)
        weights[:, 0] = 0
        x[:, 0] = 1e8
        return x, weights
    x[:, 50] = 1e6  # outlier
    return x, None


@pytest.mark.parametrize('name', [
    'all equal', 'n equals M', 'duplicates', 'constant dimensions',
    'dependent dimensions', 'one sample with weight',
    'far sample without weight', 'outlier', 'tiny', 'huge', 'offset'
])
@pytest.mark.parametrize('covariance_type', TYPES)
def test_odd_data_never_give_nan(name: str, covariance_type: str) -> None:
    for dims in (3, 9):
        x, weights = odd_data(name, dims)
        for dtype in (torch.float32, torch.float64):
            for reg_covar in (1e-6, 0.):
                fit = fit_gmm(
                    x.to(dtype),
                    5,
                    covariance_type,
                    weights,
                    reg_covar=reg_covar)
                assert_finite(*fit, x.to(dtype))


def test_collapsed_components_keep_the_regularisation() -> None:
    x = torch.full((50, 3), 2.)
    mixture, _ = fit_gmm(x, 3, 'full', reg_covar=1e-4)
    heaviest = mixture.weights.argmax()
    torch.testing.assert_close(mixture.means[heaviest], x[0])
    torch.testing.assert_close(mixture.scale[heaviest], 1e-2 * torch.eye(3))


def test_sample_without_weight_has_no_influence() -> None:
    x, weights = odd_data('far sample without weight', 6)
    for covariance_type in TYPES:
        a, _ = fit_gmm(x, 3, covariance_type, weights)
        b, _ = fit_gmm(x[:, 1:], 3, covariance_type)
        assert_same(a, b, rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize('dims, covariance_type', [(1, 'diag'), (1, 'full'),
                                                   (2, 'full'), (4, 'full'),
                                                   (5, 'full'), (3, 'joint')])
def test_any_number_of_dimensions_and_components(dims: int,
                                                 covariance_type: str) -> None:
    x = torch.randn(3, 100, dims, generator=seeded())
    for m in (1, 2, 9):
        assert_finite(*fit_gmm(x, m, covariance_type), x)
