# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The steps of EM that `fit_gmm` hides: groups, precision, odd scales."""
import pytest
import torch
from mixtures import TYPES, assert_same, dense_covariance

from mmdiffpose.diffusion.em import solver
from mmdiffpose.diffusion.em.blocks import BlockSteps
from mmdiffpose.diffusion.em.dense import DenseSteps
from mmdiffpose.diffusion.em.diagonal import DiagonalSteps
from mmdiffpose.diffusion.em.frame import safe_cholesky
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


@pytest.mark.parametrize('dtype, floor', [(torch.float32, 1e-6),
                                          (torch.float64, 1e-12)])
def test_only_what_has_no_factor_is_widened(dtype: torch.dtype,
                                            floor: float) -> None:
    """A floor under all of them would be as large as what is narrow."""
    narrow = torch.tensor([1., 30 * floor]).double()
    axis = torch.tensor([[0.6, 0.8], [-0.8, 0.6]]).double()
    singular = torch.tensor([[1., 2.], [2., 4.]])
    indefinite = torch.tensor([[1., 2.], [2., 1.]])
    batch = torch.stack((torch.eye(2).double(), axis * narrow @ axis.T,
                         singular, indefinite)).to(dtype)
    alone = safe_cholesky(batch[:2])
    factor = safe_cholesky(batch)
    assert torch.equal(factor[:2], alone)
    assert torch.equal(factor[0], torch.eye(2, dtype=dtype))
    found = torch.linalg.svdvals(factor[1].double()).square()
    torch.testing.assert_close(found, narrow, rtol=0.03, atol=0)
    torch.testing.assert_close(
        factor[2] @ factor[2].T, batch[2], rtol=10 * floor, atol=0)
    assert factor[2].diagonal().min() > 0
    assert torch.equal(factor[3], torch.eye(2, dtype=dtype))


STEPS = pytest.mark.parametrize('kind, block', [(DiagonalSteps, 1),
                                                (BlockSteps, 3),
                                                (DenseSteps, 6)])


def steps_of(kind, block: int, dtype: torch.dtype = torch.float64) -> tuple:
    """Two components on white data, without regularisation, and the rows."""
    x = torch.randn(2, 6, 40, generator=torch.Generator().manual_seed(0))
    rows = torch.cat((x.square(), x, torch.ones(2, 1, 40)), 1).to(dtype)
    if block == 1:
        one = torch.ones(2, 1, 6).to(dtype)
        return kind(rows, one, 0 * one, 2), rows
    eye = torch.eye(block).to(dtype).expand(2, 6 // block, block, block)
    return kind(rows, eye, 0 * eye, 2), rows


@STEPS
def test_a_component_without_samples_is_the_whole_data(kind,
                                                       block: int) -> None:
    """Whatever it was before; the other has what it would have alone."""
    steps, rows = steps_of(kind, block)
    mass = torch.zeros(2, 2, 40).double()
    mass[:, 0, :9] = mass[:, 1, 9:] = 0.1
    steps.update(mass)
    mean = steps.gaussians().means.clone()
    torch.testing.assert_close(mean[:, 0], rows[:, 6:-1, :9].mean(-1))
    steps.log_joint()
    mass[:, 0] = 0
    steps.update(mass)
    weight, means, scale = steps.gaussians()
    assert (weight[:, 0] < 1e-6 * weight[:, 1]).all()
    torch.testing.assert_close(means[:, 0], torch.zeros(2, 6).double())
    eye = torch.eye(block).double().expand_as(scale[:, 0])
    torch.testing.assert_close(scale[:, 0], eye)
    torch.testing.assert_close(means[:, 1], mean[:, 1])


@STEPS
@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
@pytest.mark.parametrize('samples_left', [1, 2])
def test_a_component_of_one_or_two_samples_has_a_density(
        kind, block: int, samples_left: int, dtype: torch.dtype) -> None:
    """Its covariance has rank zero or one, up to rounding."""
    steps, _ = steps_of(kind, block, dtype)
    mass = torch.zeros(2, 2, 40, dtype=dtype)
    mass[:, 0, :samples_left] = mass[:, 1, 2:] = 0.1
    steps.update(mass)
    log_joint = steps.log_joint()
    assert log_joint.isfinite().all()
    assert steps.gaussians().scale.isfinite().all()
    if dtype == torch.float64:  # float32 can't tell, and needn't
        # It explains its own samples, and no other.
        own = log_joint[:, 0] > log_joint[:, 1]
        assert own[:, :samples_left].all() and not own[:, samples_left:].any()
