# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The steps of EM that `fit_gmm` hides: groups, precision, odd scales."""
import pytest
import torch
from mixtures import TYPES, assert_same, dense_covariance

from mmdiffpose.diffusion.em import solver
from mmdiffpose.diffusion.gmm import fit_gmm


def samples(problems: int = 5, n: int = 90, dims: int = 6) -> torch.Tensor:
    """Two clusters a problem."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(problems, n, dims, generator=generator)
    x[:, ::2] += 4
    return x


@pytest.mark.parametrize('covariance_type', TYPES)
def test_group_size_changes_nothing(covariance_type: str, monkeypatch) -> None:
    x = samples(7)
    whole, _ = fit_gmm(x, 2, covariance_type)
    monkeypatch.setattr(solver, '_CPU_GROUP_BYTES',
                        dict.fromkeys(TYPES, 24000))
    parts, _ = fit_gmm(x, 2, covariance_type)
    assert_same(parts, whole, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('covariance_type', TYPES)
def test_dimensions_of_very_different_scales(covariance_type: str) -> None:
    """Squares of neither end fit float32.

    The start is the same in all units: the first axis is the widest by far,
    also in proportion to its largest value.
    """
    scale = torch.tensor([1e-21, 1e-21, 1e-21, 1e21, 1e21, 1e21])
    x = samples().double()
    x[:, ::2, 0] += 8
    expected, info = fit_gmm(x, 2, covariance_type, tol=0, reg_covar=0)
    mixture, info_scaled = fit_gmm(
        (x * scale).float(), 2, covariance_type, tol=0, reg_covar=0)
    torch.testing.assert_close(
        mixture.means.double(),
        expected.means * scale,
        rtol=1e-2,
        atol=0 if covariance_type == 'diag' else 1e-2)
    torch.testing.assert_close(
        info_scaled.log_likelihood.double(),
        info.log_likelihood,
        rtol=1e-3,
        atol=1e-2)


@pytest.mark.parametrize('covariance_type', ['diag', 'full'])
@pytest.mark.parametrize('offset', [0., 10., 1e3])
def test_offset_costs_no_precision(covariance_type: str,
                                   offset: float) -> None:
    x = (samples(3, 400) + offset).float()
    mixture, info = fit_gmm(x, 2, covariance_type, tol=0, max_iter=10)
    double, info_64 = fit_gmm(
        x.double(), 2, covariance_type, tol=0, max_iter=10)
    torch.testing.assert_close(
        info.log_likelihood.double(),
        info_64.log_likelihood,
        rtol=1e-5,
        atol=1e-5)
    torch.testing.assert_close(
        dense_covariance(mixture),
        dense_covariance(double),
        rtol=1e-3,
        atol=1e-3)


@pytest.mark.parametrize('covariance_type', TYPES)
def test_mixed_precision_around_it_changes_nothing(
        covariance_type: str) -> None:
    x = samples()
    expected, _ = fit_gmm(x, 3, covariance_type)
    with torch.autocast('cpu', dtype=torch.bfloat16), torch.inference_mode():
        mixture, _ = fit_gmm(x.clone(), 3, covariance_type)
    for field in ('weights', 'means', 'scale'):
        torch.testing.assert_close(
            getattr(mixture, field), getattr(expected, field))
