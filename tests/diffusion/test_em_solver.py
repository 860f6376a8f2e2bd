# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The steps of EM that `fit_gmm` hides: compiled or not, odd scales."""
import sys

import pytest
import torch

from mmdiffpose.diffusion.em import solver
from mmdiffpose.diffusion.gmm import fit_gmm

CPU = torch.device('cpu')


def samples(problems: int = 5, n: int = 90, dims: int = 6) -> torch.Tensor:
    """Two clusters a problem."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(problems, n, dims, generator=generator)
    x[:, ::2] += 4
    return x


@pytest.mark.skipif(
    sys.version_info >= (3, 14), reason='TorchScript knows older Pythons')
def test_runs_in_torchscript() -> None:
    """Plain Python is right too, but threads then wait for its lock."""
    assert isinstance(solver.choose_run(CPU), torch.jit.ScriptFunction)


@pytest.mark.parametrize('covariance_type', ['diag', 'joint', 'full'])
@pytest.mark.parametrize('init', ['kmeans++', 'split'])
def test_plain_python_gives_the_same(covariance_type: str, init: str,
                                     monkeypatch) -> None:
    x = samples()
    for tol in (0., 1e-3):
        options = dict(covariance_type=covariance_type, init=init, tol=tol)
        compiled, info = fit_gmm(x, 3, **options)
        with monkeypatch.context() as patch:
            patch.setattr('mmdiffpose.diffusion.gmm.choose_run',
                          lambda device: solver._run)
            plain, plain_info = fit_gmm(x, 3, **options)
        assert torch.equal(info.n_iter, plain_info.n_iter)
        for field in ('weights', 'means', 'covariance'):
            torch.testing.assert_close(
                getattr(plain, field), getattr(compiled, field))


@pytest.mark.parametrize('covariance_type', ['diag', 'joint', 'full'])
def test_group_size_changes_nothing(covariance_type: str, monkeypatch) -> None:
    x = samples(7)
    whole, _ = fit_gmm(x, 2, covariance_type)
    monkeypatch.setattr(solver, '_CPU_GROUP_BYTES',
                        dict.fromkeys(('diag', 'joint', 'full'), 24000))
    parts, _ = fit_gmm(x, 2, covariance_type)
    for field in ('weights', 'means', 'covariance'):
        torch.testing.assert_close(
            getattr(parts, field), getattr(whole, field), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('covariance_type', ['diag', 'joint', 'full'])
def test_dimensions_of_very_different_scales(covariance_type: str) -> None:
    """Squares of neither end fit float32."""
    scale = torch.tensor([1e-21, 1e-21, 1e-21, 1e21, 1e21, 1e21])
    x = samples().double()
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
        mixture.covariance.double(), double.covariance, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize('covariance_type', ['diag', 'joint', 'full'])
def test_mixed_precision_around_it_changes_nothing(
        covariance_type: str) -> None:
    x = samples()
    expected, _ = fit_gmm(x, 3, covariance_type)
    with torch.autocast('cpu', dtype=torch.bfloat16), torch.inference_mode():
        mixture, _ = fit_gmm(x.clone(), 3, covariance_type)
    for field in ('weights', 'means', 'covariance'):
        torch.testing.assert_close(
            getattr(mixture, field), getattr(expected, field))
