# Copyright (c) mmdiffpose contributors. All rights reserved.
"""EM on its own: batches, weights, dtypes, bad input."""
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mixtures import (TYPES, assert_same, dense_covariance, log_prob, seeded,
                      select)
from torch import Tensor

from mmdiffpose.diffusion.gmm import GaussianMixture, fit_gmm


def clusters(
        batch=(4, ),
        n: int = 120,
        dims: int = 6,
        m: int = 3,
        seed: int = 0,
        dtype: torch.dtype = torch.float64) -> Tensor:
    """Samples of mixtures whose components overlap a little."""
    g = torch.Generator().manual_seed(seed)
    centres = 3 * torch.randn(*batch, m, dims, generator=g, dtype=dtype)
    label = torch.randint(m, (*batch, n, 1), generator=g)
    noise = torch.randn(*batch, n, dims, generator=g, dtype=dtype)
    mixing = torch.randn(dims, dims, generator=g, dtype=dtype)
    return centres.gather(-2, label.expand(*batch, n, dims)) + noise @ mixing


@pytest.mark.parametrize('covariance_type', TYPES)
def test_finds_separated_clusters(covariance_type: str) -> None:
    centres = torch.tensor([[0., 0, 0], [8, 0, 0], [0, 8, 0], [0, 0, 8]])
    x = centres.repeat_interleave(100, 0) + torch.randn(
        400, 3, generator=seeded())
    mixture, info = fit_gmm(x, 4, covariance_type)
    found = torch.cdist(centres, mixture.means).amin(1)
    assert found.max() < 0.5
    assert (mixture.weights - 0.25).abs().max() < 0.02
    assert bool(info.converged)


@pytest.mark.parametrize('covariance_type', TYPES)
def test_reported_likelihood_is_that_of_the_result(
        covariance_type: str) -> None:
    x = clusters((2, 3))
    weights = torch.rand(2, 3, 120, dtype=torch.float64, generator=seeded())
    for w in (None, weights):
        mixture, info = fit_gmm(x, 3, covariance_type, weights=w)
        mass = torch.ones_like(weights) if w is None else w
        mean = (log_prob(mixture, x) * mass).sum(-1) / mass.sum(-1)
        torch.testing.assert_close(info.log_likelihood, mean)


@pytest.mark.parametrize('covariance_type', TYPES)
def test_likelihood_never_falls(covariance_type: str) -> None:
    x = clusters()
    values = torch.stack([
        fit_gmm(x, 4, covariance_type, max_iter=k, tol=0,
                reg_covar=0)[1].log_likelihood for k in range(12)
    ])
    assert (values.diff(dim=0) > -1e-9).all()
    assert (values[-1] > values[0] + 1e-3).all()


@pytest.mark.parametrize('covariance_type', TYPES)
def test_batch_is_the_same_as_one_by_one(covariance_type: str) -> None:
    x = clusters((2, 3), dtype=torch.float32)
    whole, info = fit_gmm(x, 4, covariance_type)
    for index in range(6):
        where = (index // 3, index % 3)
        alone, info_alone = fit_gmm(x[where], 4, covariance_type)
        assert_same(alone, select(whole, where), rtol=1e-4, atol=1e-4)
        assert info_alone.n_iter == info.n_iter[where]


def test_threads_change_nothing() -> None:
    x = clusters((40, ), n=300, dims=9, dtype=torch.float32)
    before = torch.get_num_threads()
    fits = []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            fits.append(fit_gmm(x, 5))
            assert torch.get_num_threads() == threads
            with pytest.raises(ValueError, match='NaN'):
                fit_gmm(torch.full_like(x, torch.nan), 5)
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    for mixture, info in fits[1:]:
        assert_same(mixture, fits[0][0], rtol=1e-4, atol=1e-4)
        assert torch.equal(info.n_iter, fits[0][1].n_iter)


@pytest.mark.parametrize('covariance_type', TYPES)
def test_weights_are_repetitions(covariance_type: str) -> None:
    x = clusters((), n=60)
    counts = torch.randint(0, 4, (60, ), generator=seeded())
    repeated = x.repeat_interleave(counts, 0)
    options = dict(
        n_components=3, covariance_type=covariance_type, max_iter=8, tol=0.)
    a, info_a = fit_gmm(x, weights=0.3 * counts, **options)
    b, info_b = fit_gmm(repeated, **options)
    assert_same(a, b, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(info_a.log_likelihood, info_b.log_likelihood)


def test_converged_problems_stay_as_they_are() -> None:
    x = torch.cat((clusters((2, ), seed=1,
                            m=2), clusters((6, ), seed=2, m=9, n=120)))
    mixture, info = fit_gmm(x, 4, tol=1e-4, max_iter=60)
    assert info.converged.any() and info.n_iter.min() < info.n_iter.max()
    for index, count in enumerate(info.n_iter.tolist()):
        alone, _ = fit_gmm(x[index], 4, max_iter=count, tol=0)
        assert_same(alone, select(mixture, index), rtol=1e-7, atol=1e-7)


def test_iterations_are_counted() -> None:
    x = clusters()
    _, info = fit_gmm(x, 3, max_iter=7, tol=0)
    assert (info.n_iter == 7).all() and not info.converged.any()
    _, info = fit_gmm(x, 3, max_iter=50, tol=1e6)
    assert (info.n_iter == 2).all() and info.converged.all()


@pytest.mark.parametrize('n', [400, 1000])
@pytest.mark.parametrize('covariance_type', TYPES)
def test_float32_agrees_with_float64(covariance_type: str, n: int) -> None:
    x = clusters(n=n)
    single, info = fit_gmm(x.float(), 3, covariance_type, tol=0)
    double, info_64 = fit_gmm(x.float().double(), 3, covariance_type, tol=0)
    assert single.means.dtype == torch.float32
    assert_same(single, double, rtol=1e-3, atol=2e-3)
    torch.testing.assert_close(
        info.log_likelihood.double(),
        info_64.log_likelihood,
        rtol=1e-5,
        atol=1e-5)


@pytest.mark.parametrize('n', [400, 1000])
@pytest.mark.parametrize('covariance_type', TYPES)
def test_float32_far_from_the_origin(covariance_type: str, n: int) -> None:
    near = 1e-2 * clusters(n=n, seed=3) / 5
    far = (near + 1e3).float()
    mixture, info = fit_gmm(far, 3, covariance_type)
    twin, info_64 = fit_gmm(far.double() - 1e3, 3, covariance_type)
    torch.testing.assert_close(
        info.log_likelihood.double(),
        info_64.log_likelihood,
        rtol=1e-3,
        atol=1e-3)
    torch.testing.assert_close(
        dense_covariance(mixture),
        dense_covariance(twin),
        rtol=2e-2,
        atol=1e-8)


def test_narrow_component_in_float32() -> None:
    """A component a thousand times narrower than the data."""
    g = seeded()
    wide = torch.randn(500, 6, generator=g)
    narrow = 1 + 1e-3 * torch.randn(500, 6, generator=g)
    x = torch.cat((wide, narrow))
    for covariance_type in TYPES:
        mixture, _ = fit_gmm(
            x, 2, covariance_type, reg_covar=1e-9, max_iter=50, tol=1e-5)
        variance = dense_covariance(mixture).diagonal(dim1=-2, dim2=-1)
        torch.testing.assert_close(
            variance.mean(1).sort()[0],
            torch.tensor([1e-6, 1.]).double(),
            rtol=0.1,
            atol=0)


@given(
    st.sampled_from(TYPES), st.integers(1, 9), st.floats(0.01, 100),
    st.floats(-50, 50), st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_moves_and_scales_with_the_data(covariance_type: str, m: int,
                                        scale: float, shift: float,
                                        seed: int) -> None:
    x = clusters((2, ), n=50, dims=3, seed=seed)
    a, info_a = fit_gmm(
        x, m, covariance_type, max_iter=5, tol=0, reg_covar=1e-4)
    b, info_b = fit_gmm(
        scale * x + shift,
        m,
        covariance_type,
        max_iter=5,
        tol=0,
        reg_covar=1e-4 * scale**2)
    moved = GaussianMixture(a.weights, scale * a.means + shift,
                            scale * a.scale, covariance_type)
    assert_same(b, moved, rtol=1e-5, atol=1e-6 * max(1, scale**2))
    change = info_a.log_likelihood - info_b.log_likelihood
    torch.testing.assert_close(
        change, torch.full_like(change, 3 * torch.tensor(scale).log()))


def test_joint_of_one_joint_is_full() -> None:
    x = clusters(dims=3)
    joint, _ = fit_gmm(x, 3, 'joint')
    full, _ = fit_gmm(x, 3, 'full')
    assert_same(joint, full)


@pytest.mark.parametrize('change, message', [
    (dict(n_components=0), 'n_components'),
    (dict(n_components=21), 'as many samples'),
    (dict(covariance_type='tied'), 'covariance_type'),
    (dict(covariance_type='joint', x=torch.zeros(20, 4)), '3 \\* joints'),
    (dict(max_iter=-1), 'max_iter'),
    (dict(tol=float('nan')), 'tol'),
    (dict(reg_covar=-1e-3), 'reg_covar'),
    (dict(x=torch.full((20, 3), torch.nan)), 'NaN'),
    (dict(x=torch.full((20, 3), torch.inf)), 'infinite'),
    (dict(x=torch.zeros(20, 3, dtype=torch.int64)), 'float32'),
    (dict(x=torch.zeros(20)), 'shape'),
    (dict(x=torch.zeros(0, 20, 3)), 'shape'),
    (dict(weights=torch.full((20, ), -1.)), 'negative'),
    (dict(weights=torch.full((20, ), torch.nan)), 'finite'),
    (dict(weights=torch.zeros(20)), 'all zero'),
    (dict(weights=torch.ones(19)), 'weights of shape'),
])
def test_bad_input_is_named(change: dict, message: str) -> None:
    options = dict(x=torch.randn(20, 3), n_components=2)
    options.update(change)
    with pytest.raises(ValueError, match=message):
        fit_gmm(**options)


@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU')
@pytest.mark.parametrize('covariance_type', TYPES)
def test_gpu_agrees_with_cpu(covariance_type: str) -> None:
    x = clusters((50, ), n=300, dtype=torch.float32)
    cpu, _ = fit_gmm(x, 4, covariance_type, tol=0)
    gpu, _ = fit_gmm(x.cuda(), 4, covariance_type, tol=0)
    assert gpu.means.is_cuda
    on_host = GaussianMixture(gpu.weights.cpu(), gpu.means.cpu(),
                              gpu.scale.cpu(), covariance_type)
    difference = (log_prob(on_host, x) - log_prob(cpu, x)).mean(-1)
    assert difference.abs().max() < 1e-2
