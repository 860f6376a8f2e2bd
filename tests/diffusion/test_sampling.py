# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Samplers by name, on a process whose data are two points in the plane."""
import pytest
import torch

from mmdiffpose.diffusion.process import DiffusionProcess
from mmdiffpose.diffusion.samplers import ddim, ddpm, step_sequence
from mmdiffpose.diffusion.sampling import SAMPLERS, run
from mmdiffpose.diffusion.schedules import make_alphas

CENTER = torch.tensor([0.3, -0.2], dtype=torch.float64)
POINTS = torch.tensor([[0.9, 0.1], [-0.4, 0.5]], dtype=torch.float64)


def draws(n, seed=0):
    g = torch.Generator().manual_seed(seed)
    return torch.randn(n, 2, generator=g, dtype=torch.float64)


def posterior_mean(x, sigma):
    """E[y | y + sigma e = x] for y one of two points, written out."""
    distance = (x[:, None] - POINTS).square().sum(-1)
    return (-distance / (2 * sigma**2)).softmax(dim=1) @ POINTS


def network(process, target='sample'):
    """The same mean from the process' state, as the asked-for target."""

    def denoise(h, k):
        a = process.alphas[k[0]]
        x = CENTER + (h - CENTER) / a.sqrt()
        h0 = posterior_mean(x, ((1 - a) / a).sqrt())
        noise = process.to_noise(h0, h, k, CENTER)
        return process.target(target, h0, k, noise, CENTER)

    return denoise


@pytest.mark.parametrize('name', ['ddim', 'euler'])
@pytest.mark.parametrize('schedule', ['cosine', 'linear'])
def test_ddim_is_euler_in_sigma_after_the_change_of_variables(name, schedule):
    """x = u / sqrt(alpha), sigma = sqrt((1 - alpha) / alpha): Euler's steps
    of dx / dsigma = (x - D) / sigma (Karras et al., 2022, Eq. 1)."""
    process = DiffusionProcess(make_alphas(schedule, 50))
    start = CENTER + draws(64)
    samples = run(name, network(process), start, process, 5, center=CENTER)

    alphas = [float(process.alphas[k]) for k in (50, 40, 30, 20, 10, 0)]
    sigmas = [((1 - a) / a)**0.5 for a in alphas]
    x = CENTER + (start - CENTER) / alphas[0]**0.5
    for sigma, after in zip(sigmas[:-1], sigmas[1:]):
        slope = (x - posterior_mean(x, sigma)) / sigma
        x = x + (after - sigma) * slope
    torch.testing.assert_close(samples, x, atol=1e-6, rtol=0)


@pytest.mark.parametrize('name', [n for n in SAMPLERS if n != 'ddpm'])
def test_all_follow_one_flow_to_the_same_samples(name):
    """Each start's end, whatever the sampler, with steps enough."""
    process = DiffusionProcess(make_alphas('cosine', 2000, max_beta=0.9))
    start = CENTER + draws(32, seed=1)
    samples = run(name, network(process), start, process, 1999, center=CENTER)
    reference = ddim(
        network(process),
        start,
        process,
        num_sampling_steps=2000,
        center=CENTER)
    torch.testing.assert_close(samples, reference, atol=0.02, rtol=0)
    nearest = (samples[:, None] - POINTS).norm(dim=-1).amin(dim=1)
    assert nearest.max() < 0.02


@pytest.mark.parametrize('name', [n for n in SAMPLERS if n != 'ddpm'])
@pytest.mark.parametrize('target', ['epsilon', 'previous'])
def test_what_the_network_predicts_does_not_matter(name, target):
    process = DiffusionProcess(make_alphas('cosine', 50, max_beta=0.9))
    start = CENTER + draws(16)
    torch.testing.assert_close(
        run(name,
            network(process, target),
            start,
            process,
            7,
            target=target,
            center=CENTER),
        run(name, network(process), start, process, 7, center=CENTER),
        atol=1e-4,
        rtol=0)


def test_names_of_the_plain_functions_pass_everything_on():
    process = DiffusionProcess(make_alphas('cosine', 20))

    def sample(sampler, **kwargs):
        g = torch.Generator().manual_seed(3)
        states = []
        samples = sampler(
            noise=lambda: torch.randn(8, 2, generator=g).double(),
            denoise=network(process, 'epsilon'),
            process=process,
            target='epsilon',
            center=CENTER,
            clip=0.8,
            callback=lambda k, h, h0: states.append((k, h, h0)),
            **kwargs)
        return samples, states

    for name, plain, options in (('ddim', ddim,
                                  dict(num_sampling_steps=4,
                                       eta=0.7)), ('ddpm', ddpm, {})):
        got, seen = sample(lambda **kw: run(name, start=draws(8), **kw),
                           **options)
        expected, states = sample(plain, h_start=draws(8), **options)
        assert torch.equal(got, expected)
        assert [s[0] for s in seen] == [s[0] for s in states]
        assert all(torch.equal(a[2], b[2]) for a, b in zip(seen, states))


def test_flow_samplers_clip_and_call_back_at_each_evaluation():
    process = DiffusionProcess(make_alphas('cosine', 50))
    seen = []
    out = run(
        'heun',
        lambda h, k: h + 100,
        torch.zeros(1, 2),
        process,
        5,
        clip=1.5,
        callback=lambda k, h, h0: seen.append((k, h0)))
    first, second, third = step_sequence(50, 3)[:3]
    assert [k for k, _ in seen] == [first, second, second, third, third]
    assert all(bool((h0 == 1.5).all()) for _, h0 in seen)
    torch.testing.assert_close(out, torch.full((1, 2), 1.5))


@pytest.mark.parametrize('arguments, message', [
    (dict(sampler='plms'), 'one of'),
    (dict(sampler='angle', eta=0.5), 'eta should be 0'),
    (dict(sampler='ddpm'), 'noise'),
    (dict(sampler='heun', num_sampling_steps=4), 'got 4'),
    (dict(sampler='angle', num_sampling_steps=0), 'got 0'),
    (dict(sampler='angle', num_sampling_steps=51), '1..50'),
])
def test_what_cannot_be_sampled_is_named(arguments, message):
    process = DiffusionProcess(make_alphas('cosine', 50))
    with pytest.raises(ValueError, match=message):
        run(denoise=lambda h, k: h,
            start=torch.zeros(1, 2),
            process=process,
            **arguments)
