# Copyright (c) mmdiffpose contributors. All rights reserved.
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmdiffpose.diffusion.process import (TARGETS, DiffusionProcess,
                                          antithetic_steps, training_steps)
from mmdiffpose.diffusion.schedules import make_alphas

K = 50
PROCESS = DiffusionProcess(make_alphas('cosine', K))


def poses(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(TARGETS), st.integers(1, K - 1), st.integers(0, 999))
def test_every_target_leads_back_to_the_sample(target, k, seed):
    h0, noise, center = poses(seed, 3, 4, 17, 3).double().unbind(0)
    k = torch.full((4, ), k)
    h_k = PROCESS.diffuse(h0, k, noise, center)
    prediction = PROCESS.target(target, h0, k, noise, center)
    back = PROCESS.to_sample(target, prediction, h_k, k, center)
    # float32 levels: 'previous' amplifies their rounding the most.
    torch.testing.assert_close(back, h0, atol=2e-4, rtol=0)
    torch.testing.assert_close(
        PROCESS.to_noise(h0, h_k, k, center), noise, atol=1e-3, rtol=0)


def test_eq_7_by_hand():
    alphas = torch.tensor([1, 0.64, 0.])
    process = DiffusionProcess(alphas)
    h = process.diffuse(
        torch.tensor([[5.]]), torch.tensor([1]), torch.tensor([[2.]]),
        torch.tensor([[1.]]))
    # 1 + 0.8 (5 - 1) + 0.6 * 2
    assert h.item() == pytest.approx(5.4)
    end = process.diffuse(
        torch.tensor([[5.]]), torch.tensor([2]), torch.tensor([[2.]]),
        torch.tensor([[1.]]))
    assert end.item() == pytest.approx(3.)


def test_moments_of_the_shifted_process_at_every_step():
    n = 40000
    mu, std, h0 = 2., 0.5, -1.
    noise = std * poses(0, n, 1)
    for k in range(K + 1):
        h = PROCESS.diffuse(
            torch.full((n, 1), h0), torch.full((n, ), k), noise, mu)
        a = PROCESS.alphas[k].item()
        assert h.mean().item() == pytest.approx(
            mu + a**0.5 * (h0 - mu), abs=0.02)
        assert h.var().item() == pytest.approx((1 - a) * std**2, abs=0.01)


def test_posterior_agrees_with_conditioning_the_joint_gaussian():
    """Condition (u_j, u_k) given u_0 with the textbook formula."""
    for j, k in ((1, 2), (10, 11), (10, 30), (48, 50)):
        a_j, a_k = PROCESS.alphas[j], PROCESS.alphas[k]
        u0, u_k = torch.tensor(0.7).double(), torch.tensor(-0.4).double()
        # u_k = sqrt(a_k / a_j) u_j + independent noise
        ratio = (a_k / a_j).sqrt()
        var_j, var_k = 1 - a_j, 1 - a_k
        gain = ratio * var_j / var_k
        mean = a_j.sqrt() * u0 + gain * (u_k - a_k.sqrt() * u0)
        var = var_j - gain * ratio * var_j
        got_mean, got_std = PROCESS.posterior(
            u0[None, None],
            u_k[None, None],
            torch.tensor([k]),
            previous=torch.tensor([j]))
        assert got_mean.item() == pytest.approx(mean.item(), abs=1e-9)
        assert got_std.item()**2 == pytest.approx(var.item(), abs=1e-9)


def test_steps_broadcast_over_hypotheses_and_frames():
    h0 = poses(0, 2, 5, 7, 17, 3)
    k = torch.randint(1, K + 1, (2, 5, 7))
    h = PROCESS.diffuse(h0, k, torch.zeros_like(h0))
    for index in ((0, 0, 0), (1, 4, 6)):
        level = PROCESS.alphas[k[index]].sqrt().float()
        torch.testing.assert_close(h[index], level * h0[index])


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 100), st.floats(0.1, 2.))
def test_training_steps_stay_in_range_and_p_1_is_uniform(num_steps, exponent):
    u = torch.linspace(0, 1, 10001)
    steps = training_steps(u, num_steps, exponent)
    assert steps.min() == 1 and steps.max() == num_steps
    counts = torch.bincount(
        training_steps(u[:-1], num_steps), minlength=num_steps + 1)[1:]
    assert (counts - 10000 / num_steps).abs().max() <= 2


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 41), st.integers(0, 999))
def test_antithetic_steps_are_mirror_images(number, seed):
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randint(1, 52, (number, ), generator=generator)
    steps = antithetic_steps(drawn, 51)
    kept = number // 2 + 1
    assert steps[:kept].tolist() == drawn[:kept].tolist()
    assert (steps[kept:] + steps[:number - kept] == 52).all()
    assert steps.shape == drawn.shape and steps.min() >= 1
    assert steps.max() <= 51


def test_antithetic_steps_stay_uniform():
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randint(1, 11, (3000, 2, 7), generator=generator)
    steps = torch.stack([antithetic_steps(part, 10) for part in drawn])
    for place in steps.flatten(1).T:
        counts = torch.bincount(place, minlength=11)[1:]
        assert (counts / 3000 - 0.1).abs().max() < 0.03


def test_unknown_target_and_bad_alphas():
    h = torch.zeros(1, 1)
    with pytest.raises(ValueError, match='target'):
        PROCESS.to_sample('velocity', h, h, torch.tensor([1]))
    with pytest.raises(ValueError, match='alphas'):
        DiffusionProcess(torch.tensor([0.9, 0.5]))
