# Copyright (c) mmdiffpose contributors. All rights reserved.
"""EDM's samplers of diffusers, at the same levels and with the same network.

Their network is F behind EDM's preconditioning, ours is F in the angle: that
the samples agree says that both mean the same F, sign and scale included.
"""
import math

import pytest
import torch
from perfect_network import correlated_gaussian, two_modes

from mmdiffpose.diffusion.flow_samplers import FLOW_SAMPLERS
from mmdiffpose.diffusion.schedules import karras_angles

diffusers = pytest.importorskip(
    'diffusers', reason='diffusers is not installed')


def run_diffusers(scheduler, network, x):
    for t in scheduler.timesteps:
        # The level that a time stands for: t = ln(sigma) / 4.
        sigma = math.exp(4 * float(t))
        scaled = scheduler.scale_model_input(x, t)
        output = network.preconditioned(scaled, sigma)
        x = scheduler.step(output, t, x).prev_sample
    return x


@pytest.mark.parametrize('evaluations', [2, 3, 5, 10])
@pytest.mark.parametrize('name, scheduler', [
    ('euler', 'EDMEulerScheduler'),
    ('dpmpp_2m', 'EDMDPMSolverMultistepScheduler'),
])
@pytest.mark.parametrize('network', [correlated_gaussian(), two_modes()])
def test_samples_are_those_of_diffusers(name, scheduler, network, evaluations):
    levels = dict(sigma_min=0.05, sigma_max=3., rho=7., sigma_data=1.)
    theirs = getattr(diffusers, scheduler)(**levels)
    theirs.set_timesteps(evaluations)
    angles = karras_angles(evaluations, 3., 0.05, 7.)
    torch.testing.assert_close(
        torch.tensor([math.tan(a) for a in angles]), theirs.sigmas)

    x = network.draw(64, 3.)
    z = x * math.cos(angles[0])
    ours = FLOW_SAMPLERS[name].integrate(
        lambda z, level: network.preconditioned(z, math.tan(angles[level])), z,
        angles)
    expected = run_diffusers(theirs, network, x)
    # They keep their levels in float32.
    torch.testing.assert_close(ours, expected.double(), atol=2e-5, rtol=0)
