# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Samplers against a problem whose optimal denoiser is known exactly.

For h_0 ~ N(m, s^2) and the process around mu with noise std sigma, the
posterior mean E[h_0 | h_k] is linear, and the reverse process must turn
samples of H_K into samples of N(m, s^2).
"""
import pytest
import torch

from mmdiffpose.diffusion.process import DiffusionProcess
from mmdiffpose.diffusion.samplers import ddim, ddpm, step_sequence
from mmdiffpose.diffusion.schedules import make_alphas

M, S, MU, SIGMA = 1.5, 0.3, 0.4, 0.8
N = 40000


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def analytic_denoiser(process, target):
    """E[h_0 | h_k], expressed as the asked-for target."""

    def denoise(h, k):
        a = process.alphas[k[0]].item()
        var = a * S**2 + (1 - a) * SIGMA**2
        u0 = (M - MU) + a**0.5 * S**2 / var * (h - MU - a**0.5 * (M - MU))
        h0 = MU + u0
        noise = process.to_noise(h0, h, k, MU)
        return process.target(target, h0, k, noise, MU)

    return denoise


@pytest.mark.parametrize('target', ['sample', 'epsilon', 'previous'])
def test_ddpm_reaches_the_data_distribution(target):
    process = DiffusionProcess(make_alphas('cosine', 200))
    g = generator()

    def noise():
        return SIGMA * torch.randn(N, 1, generator=g)

    samples = ddpm(
        analytic_denoiser(process, target),
        MU + noise(),
        process,
        noise,
        target=target,
        center=MU)
    assert samples.mean().item() == pytest.approx(M, abs=0.01)
    assert samples.std().item() == pytest.approx(S, abs=0.01)


def posterior_sampler(process, target, g):
    """Draws of h_0 given h_k: the analytic posterior itself."""

    def denoise(h, k):
        a = process.alphas[k[0]].item()
        var = a * S**2 + (1 - a) * SIGMA**2
        gain = a**0.5 * S**2 / var
        mean = M + gain * (h - MU - a**0.5 * (M - MU))
        std = (S**2 - gain * a**0.5 * S**2)**0.5
        h0 = mean + std * torch.randn(h.shape, generator=g, dtype=h.dtype)
        return process.target(target, h0, k, process.to_noise(h0, h, k, MU),
                              MU)

    return denoise


@pytest.mark.parametrize('target', ['sample', 'epsilon', 'previous'])
@pytest.mark.parametrize('sampler', [
    'ddpm',
    dict(num_sampling_steps=5),
    dict(num_sampling_steps=5, eta=0.5),
    dict(num_sampling_steps=5, eta=1.)
])
def test_both_samplers_are_exact_with_the_analytic_posterior(sampler, target):
    """DDPM, K = 50, and DDIM, 5 steps: the data's own distribution.

    With h_0 drawn from p(h_0 | h_k), each step of either sampler keeps the
    marginals exactly, however large it is.
    """
    # A little signal is left in h_K: without any, epsilon doesn't tell h_0.
    process = DiffusionProcess(make_alphas('cosine', 50, max_beta=0.9))
    g = generator(1)

    def noise():
        return SIGMA * torch.randn(N, 1, generator=g, dtype=torch.float64)

    a = float(process.alphas[50])
    data = M + S * torch.randn(N, 1, generator=g, dtype=torch.float64)
    start = MU + a**0.5 * (data - MU) + (1 - a)**0.5 * noise()
    common = dict(target=target, center=MU, noise=noise)
    denoise = posterior_sampler(process, target, g)
    if sampler == 'ddpm':
        out = ddpm(denoise, start, process, **common)
    else:
        out = ddim(denoise, start, process, **common, **sampler)
    ordered = (out[:, 0].sort().values - M) / S
    cdf = torch.special.ndtr(ordered)
    gap = (cdf - (torch.arange(N) + 0.5) / N).abs().max().item()
    assert gap < 1.95 / N**0.5  # one in a thousand is larger


@pytest.mark.parametrize('steps', [5, 50])
def test_with_the_posterior_mean_each_sample_is_known(steps):
    """DDIM's linear maps, multiplied out without the sampler."""
    process = DiffusionProcess(make_alphas('cosine', 50))
    a = process.alphas.tolist()
    white = torch.randn(200, 1, generator=generator()).double()
    samples = ddim(
        analytic_denoiser(process, 'sample'),
        MU + SIGMA * white,
        process,
        num_sampling_steps=steps,
        center=MU)
    # u = shift + scale * white with u = h - MU.
    shift, scale = 0., SIGMA
    sequence = [50 - i * 50 // steps for i in range(steps + 1)]
    for k, j in zip(sequence[:-1], sequence[1:]):
        gain = a[k]**0.5 * S**2 / (a[k] * S**2 + (1 - a[k]) * SIGMA**2)
        for_zero = (1 - gain * a[k]**0.5) * (M - MU)
        ratio = ((1 - a[j]) / (1 - a[k]))**0.5
        along = a[j]**0.5 - ratio * a[k]**0.5
        shift, scale = (along * (for_zero + gain * shift) + ratio * shift,
                        along * gain * scale + ratio * scale)
    torch.testing.assert_close(
        samples, MU + shift + scale * white, atol=2e-5, rtol=0)
    # The mean is right with any number of steps; the spread needs more.
    assert MU + shift == pytest.approx(M, abs=1e-2)
    if steps == 50:
        assert scale == pytest.approx(S, rel=0.1)


def test_ddpm_with_the_posterior_mean_has_its_known_moments():
    process = DiffusionProcess(make_alphas('cosine', 50))
    a, g = process.alphas.tolist(), generator()

    def noise():
        return SIGMA * torch.randn(N, 1, generator=g)

    samples = ddpm(
        analytic_denoiser(process, 'sample'),
        MU + noise(),
        process,
        noise,
        center=MU)
    mean, var = 0., SIGMA**2
    for k in range(50, 0, -1):
        gain = a[k]**0.5 * S**2 / (a[k] * S**2 + (1 - a[k]) * SIGMA**2)
        beta = 1 - a[k] / a[k - 1]
        to_zero = a[k - 1]**0.5 * beta / (1 - a[k])
        to_k = (a[k] / a[k - 1])**0.5 * (1 - a[k - 1]) / (1 - a[k])
        slope = to_zero * gain + to_k
        mean = to_zero * (1 - gain * a[k]**0.5) * (M - MU) + slope * mean
        var = slope**2 * var + (
            beta * (1 - a[k - 1]) / (1 - a[k]) * SIGMA**2 if k > 1 else 0.)
    assert samples.mean().item() == pytest.approx(MU + mean, abs=0.006)
    assert samples.std().item() == pytest.approx(var**0.5, abs=0.006)
    assert MU + mean == pytest.approx(M, abs=1e-3)


def test_ddim_follows_the_probability_flow_exactly():
    """The flow maps standardised starts to standardised samples, so each
    sample is known, not only their distribution."""
    process = DiffusionProcess(make_alphas('cosine', 1000))
    white = torch.randn(200, 1, generator=generator())
    samples = ddim(
        analytic_denoiser(process, 'sample'),
        MU + SIGMA * white,
        process,
        num_sampling_steps=1000,
        center=MU)
    torch.testing.assert_close(samples, M + S * white, atol=0.02, rtol=0)


def test_ddim_is_exact_in_any_number_of_steps_for_a_point():
    process = DiffusionProcess(make_alphas('cosine', 50))
    target = torch.randn(1, 17, 3, generator=generator())
    for steps in (1, 2, 5, 50):
        samples = ddim(
            lambda h, k: target.expand_as(h),
            torch.randn(8, 17, 3, generator=generator(1)),
            process,
            num_sampling_steps=steps)
        torch.testing.assert_close(samples, target.expand_as(samples))


def test_eta_1_on_all_steps_is_ddpm():
    process = DiffusionProcess(make_alphas('cosine', 20))
    denoise = analytic_denoiser(process, 'sample')

    def run(sampler, **kwargs):
        g = generator(3)
        start = MU + SIGMA * torch.randn(5, 1, generator=g)
        return sampler(
            denoise,
            start,
            process,
            noise=lambda: SIGMA * torch.randn(5, 1, generator=g),
            center=MU,
            **kwargs)

    torch.testing.assert_close(
        run(ddim, eta=1., num_sampling_steps=20), run(ddpm))


def test_ddim_round_trip_of_the_forward_process():
    """With the true noise direction known, going down undoes diffuse()."""
    process = DiffusionProcess(make_alphas('cosine', 50))
    h0 = torch.randn(4, 17, 3, generator=generator())
    eps = torch.randn(4, 17, 3, generator=generator(1))
    center = torch.randn(4, 17, 3, generator=generator(2))
    h_k = process.diffuse(h0, torch.full((4, ), 50), eps, center)
    back = ddim(
        lambda h, k: eps,
        h_k,
        process,
        target='epsilon',
        center=center,
        num_sampling_steps=7)
    torch.testing.assert_close(back, h0, atol=1e-3, rtol=0)


def test_step_sequence_and_callback():
    assert step_sequence(50, 5) == [50, 40, 30, 20, 10, 0]
    assert step_sequence(50, 50) == list(range(50, -1, -1))
    with pytest.raises(ValueError, match='1..50'):
        step_sequence(50, 51)
    seen = []
    process = DiffusionProcess(make_alphas('cosine', 50))
    ddim(
        lambda h, k: h,
        torch.zeros(1, 1),
        process,
        callback=lambda k, h, h0: seen.append(k))
    assert seen == [50, 40, 30, 20, 10]


def test_given_steps_are_followed():
    process = DiffusionProcess(make_alphas('cosine', 50))
    seen = []

    def run(sequence):
        return ddim(
            lambda h, k: h,
            torch.ones(1, 1),
            process,
            num_sampling_steps=3,
            callback=lambda k, h, h0: seen.append(k),
            sequence=sequence)

    run([13, 1, 0])
    assert seen == [13, 1]
    torch.testing.assert_close(
        run(step_sequence(50, 7)),
        ddim(lambda h, k: h, torch.ones(1, 1), process, num_sampling_steps=7))
    for wrong in ([51, 0], [0], [9, 9, 0], [3, 5, 0], [13, 1]):
        with pytest.raises(ValueError, match='go down'):
            run(wrong)


def test_clip_bounds_the_estimate():
    process = DiffusionProcess(make_alphas('cosine', 5))
    out = ddim(
        lambda h, k: h + 100,
        torch.zeros(1, 1),
        process,
        clip=1.5,
        num_sampling_steps=5)
    assert out.item() == pytest.approx(1.5)


def test_eta_without_noise_is_an_error():
    process = DiffusionProcess(make_alphas('cosine', 5))
    with pytest.raises(ValueError, match='noise'):
        ddim(lambda h, k: h, torch.zeros(1, 1), process, eta=0.5)
