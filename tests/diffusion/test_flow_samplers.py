# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Samplers of the flow, against the papers' own steps in x and sigma and
against distributions whose best denoiser is known."""
import math

import pytest
import torch
from perfect_network import PerfectNetwork, correlated_gaussian, two_modes

from mmdiffpose.diffusion.flow_samplers import (FLOW_SAMPLERS, angle_euler,
                                                process_angles)
from mmdiffpose.diffusion.process import DiffusionProcess
from mmdiffpose.diffusion.schedules import (karras_angles, make_alphas,
                                            power_angles)

SIGMAS = [4., 1.5, 0.6, 0.1, 0.]


def integrate(name, network, x, angles):
    """Run a sampler from EDM's x; ends in x = y."""
    z = x * math.cos(angles[0])

    def velocity(z, level):
        return network.preconditioned(z, math.tan(angles[level]))

    return FLOW_SAMPLERS[name].integrate(velocity, z, angles)


def euler_in_sigma(network, x, sigmas):
    """Karras et al. (2022), Alg. 1 without lines 6 to 8."""
    for sigma, after in zip(sigmas[:-1], sigmas[1:]):
        x = x + (after - sigma) * (x - network.denoise(x, sigma)) / sigma
    return x


def heun_in_sigma(network, x, sigmas):
    """Karras et al. (2022), Alg. 1."""
    for sigma, after in zip(sigmas[:-1], sigmas[1:]):
        slope = (x - network.denoise(x, sigma)) / sigma
        ahead = x + (after - sigma) * slope
        if after > 0:
            other = (ahead - network.denoise(ahead, after)) / after
            ahead = x + (after - sigma) * (slope + other) / 2
        x = ahead
    return x


def dpm_solver_pp_2m(network, x, sigmas):
    """Lu et al. (2022), Alg. 2 with alpha = 1; the last step gives D."""
    before, lambda_before = None, None
    for sigma, after in zip(sigmas[:-1], sigmas[1:]):
        data = network.denoise(x, sigma)
        if after == 0:
            return data
        h = math.log(sigma) - math.log(after)
        mixed = data
        if before is not None:
            r = (lambda_before + math.log(sigma)) / -h
            mixed = (1 + 1 / (2 * r)) * data - before / (2 * r)
        x = after / sigma * x - (math.exp(-h) - 1) * mixed
        before, lambda_before = data, -math.log(sigma)
    raise AssertionError


@pytest.mark.parametrize('name, reference', [
    ('euler', euler_in_sigma),
    ('heun', heun_in_sigma),
    ('dpmpp_2m', dpm_solver_pp_2m),
])
@pytest.mark.parametrize('network', [correlated_gaussian(), two_modes()])
def test_steps_are_the_papers(name, reference, network):
    x = network.draw(64, SIGMAS[0])
    samples = integrate(name, network, x, [math.atan(s) for s in SIGMAS])
    torch.testing.assert_close(
        samples, reference(network, x, SIGMAS), atol=1e-10, rtol=0)


def test_the_angles_methods_by_hand():
    """dz / dphi = -F with F = z: one step, then Adams and Bashforth's."""
    angles, z = [1., 0.4, 0.1, 0.], torch.ones(1)
    first = 1 + 0.6
    second = first + 0.3 * first
    third = second + 0.1 * second
    got = FLOW_SAMPLERS['angle'].integrate(lambda z, level: z, z, angles)
    assert got.item() == pytest.approx(third)
    # h / (2 h_before) = 0.25 and 1 / 6.
    second = first + 0.3 * (1.25 * first - 0.25 * 1)
    third = second + 0.1 * (7 / 6 * second - first / 6)
    got = FLOW_SAMPLERS['angle_ab2'].integrate(lambda z, level: z, z, angles)
    assert got.item() == pytest.approx(third)


@pytest.mark.parametrize('name, order', [('euler', 1), ('angle', 1),
                                         ('angle_ab2', 2), ('heun', 2)])
def test_errors_fall_with_the_order_of_the_method(name, order):
    """Twice the steps: half, or a quarter, of the error."""
    network = two_modes()
    x = network.draw(64, 3.)
    exact = integrate('heun', network, x, power_angles(500, 3.))
    errors = [(integrate(name, network, x, power_angles(n, 3.)) -
               exact).abs().mean() for n in (32, 64)]
    assert math.log2(errors[0] / errors[1]) > order - 0.35


@pytest.mark.parametrize('evaluations', [1, 2, 3])
@pytest.mark.parametrize('name', ['angle', 'angle_ab2'])
def test_noise_like_the_data_makes_one_step_exact(name, evaluations):
    """Correlated noise for correlated data, F = 0: whatever comes in at the
    start's covariance goes out with the data's."""
    shape = [[1., 0.9], [0.9, 1.]]
    network = PerfectNetwork([1.], [[0., 0.]], [shape], noise=shape)
    white = torch.randn(
        50, 2, generator=torch.Generator().manual_seed(0)).double()
    start = white @ torch.linalg.cholesky(network.noise).T
    angles = power_angles(evaluations, 3., 1.6)
    samples = integrate(name, network, start / math.cos(angles[0]), angles)
    torch.testing.assert_close(samples, start)


def preset(network, name, evaluations):
    """Samples as ``ResidualDiffusion`` draws them: from sigma_max 3 with
    power 1.6, the start of a Gaussian with the noise's covariance."""
    angles = power_angles(evaluations, 3., 1.6)
    g = torch.Generator().manual_seed(0)
    z = torch.randn(200000, 2, generator=g, dtype=torch.float64)
    z = (z - z.mean(dim=0)) @ torch.linalg.cholesky(network.noise).T
    return integrate(name, network, z / math.cos(angles[0]), angles)


def check_moments(samples, network):
    """Mean, std and correlation within 0.02; the spread is about 1."""

    def parts(mean, covariance):
        std = covariance.diag().sqrt()
        return mean, std, covariance / (std[:, None] * std)

    for found, true in zip(
            parts(samples.mean(dim=0), samples.T.cov()),
            parts(network.mean(), network.covariance())):
        torch.testing.assert_close(found, true, atol=0.02, rtol=0)


@pytest.mark.parametrize('name, evaluations', [('angle', 2), ('angle', 3),
                                               ('angle_ab2', 3)])
def test_two_modes_within_2_percent_at_few_evaluations(name, evaluations):
    """And their shares."""
    network = two_modes(noise=[[1., 0.15], [0.15, 1.]])
    samples = preset(network, name, evaluations)
    check_moments(samples, network)
    middle = network.means[:, 0].mean()
    share = (samples[:, 0] < middle).double().mean().item()
    assert share == pytest.approx(0.3, abs=0.02)


def test_a_gaussian_within_2_percent_at_two_evaluations():
    """Off centre and with another covariance than the noise."""
    network = PerfectNetwork([1.], [[0.3, -0.2]], [[[1.1, 0.5], [0.5, 1.]]],
                             noise=[[1., 0.4], [0.4, 1.]])
    check_moments(preset(network, 'angle', 2), network)


def test_ddim_keeps_the_product_of_cosines():
    """Unit data, sigma from 3: DDIM's spread at each number of steps."""
    network = PerfectNetwork([1.], [[0.]], [[[1.]]])
    x = torch.linspace(-2, 2, 9, dtype=torch.float64)[:, None]
    for n in (1, 2, 5):
        kept = math.cos(math.atan(3.) / n)**n
        samples = integrate('euler', network, x, power_angles(n, 3.))
        torch.testing.assert_close(samples, kept * x / 10**0.5)
        samples = integrate('angle', network, x, power_angles(n, 3.))
        torch.testing.assert_close(samples, x / 10**0.5)


def test_angles_of_a_process():
    process = DiffusionProcess(make_alphas('cosine', 50, max_beta=0.9))
    angles = process_angles(process, [50, 20, 0])
    assert angles[2] == 0
    for k, angle in zip((50, 20), angles):
        assert math.cos(angle)**2 == pytest.approx(float(process.alphas[k]))


@pytest.mark.parametrize(
    'angles',
    [[0.], [1., 0.5], [1., 1., 0.], [0.5, 1., 0.], [1.7, 0.], [math.nan, 0.]])
def test_angles_that_do_not_fall_are_refused(angles):
    with pytest.raises(ValueError, match='fall strictly'):
        angle_euler(lambda z, level: z, torch.zeros(1), angles)


def test_evaluations_are_counted():
    network = two_modes()
    for name, flow in FLOW_SAMPLERS.items():
        for evaluations in (1, 3, 5):
            calls = []

            def velocity(z, level):
                calls.append(level)
                return network.preconditioned(z, 1.)

            angles = karras_angles(flow.steps(evaluations), 3.)
            flow.integrate(velocity, torch.zeros(2, 2).double(), angles)
            assert len(calls) == evaluations, name
            assert max(calls) < len(angles) - 1
    with pytest.raises(ValueError, match='heun.*got 4'):
        FLOW_SAMPLERS['heun'].steps(4)
