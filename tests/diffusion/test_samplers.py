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
