# Copyright (c) mmdiffpose contributors. All rights reserved.
import math

import pytest
import torch

from mmdiffpose.diffusion.noise import HypothesisNoise
from mmdiffpose.models.posterior import residual_diffusion
from mmdiffpose.registry import MODELS

J, C = 3, 4


def build(trained=True, **kwargs):
    torch.manual_seed(0)
    module = MODELS.build(
        dict(
            type='mmdiffpose.ResidualDiffusion',
            denoiser=dict(type='mmdiffpose.ResidualMLP', width=8),
            in_channels=C,
            num_joints=J,
            **kwargs))
    if trained:
        torch.nn.init.normal_(module.denoiser.output.weight, std=0.1)
    return module.eval()


def window(B=2, T=5, seed=1):
    g = torch.Generator().manual_seed(seed)
    return dict(
        features=torch.randn(B, T, J, C, generator=g),
        mean=torch.randn(B, T, J, 3, generator=g),
        std=torch.rand(B, T, J, 3, generator=g) + 0.05)


def noise(B=2, N=7, T=1):
    return HypothesisNoise(range(B), N, T, J).normal()


def draws(*seeds):
    """Of 8 noise levels a frame, for training."""
    return HypothesisNoise(seeds, 8, 5, J).normal(7)


def test_untrained_samples_are_the_gaussian_that_was_predicted():
    given = window()
    white = noise()
    for evaluations in (1, 2, 3):
        poses = build(trained=False).sample(
            **given, noise=white, evaluations=evaluations)
        expected = given['mean'][:, None] + given['std'][:, None] * white
        torch.testing.assert_close(poses, expected)


def test_noise_takes_the_residuals_covariance():
    """F = 0: the predicted std times the correlation that was measured."""
    module = build(trained=False)
    g = torch.Generator().manual_seed(3)
    mixing = torch.randn(3 * J, 3 * J, generator=g) / 3
    true = mixing @ mixing.T
    module.train()
    given = window(B=64, T=8)
    for step in range(40):
        white = torch.randn(64, 8, 3 * J, generator=g)
        residual = (white @ mixing.T).view(64, 8, J, 3)
        module.loss(
            **given,
            target=given['mean'] + given['std'] * residual,
            generator=g)
    torch.testing.assert_close(
        module.noise_covariance, true, atol=0.06, rtol=0.1)
    module.eval()
    given = window(B=1, T=1)
    poses = module.sample(
        **given, noise=torch.randn(1, 20000, 1, J, 3, generator=g))
    residual = (poses - given['mean'][:, None]) / given['std'][:, None]
    torch.testing.assert_close(
        residual.flatten(-2)[0, :, 0].T.cov(), true, atol=0.12, rtol=0.1)


def test_the_covariance_is_measured_in_training_on_known_targets_only():
    module = build()
    given = window()
    identity = torch.eye(3 * J)
    module.loss(**given, target=given['mean'])
    assert torch.equal(module.noise_covariance, identity)
    module.train()
    weight = torch.ones(2, 5, J)
    weight[..., 1] = 0
    module.loss(**given, target=given['mean'] + 1, weight=weight)
    assert torch.equal(module.noise_covariance, identity)
    weight[0, 0] = 1
    module.loss(**given, target=given['mean'] + 1, weight=weight)
    row = (1 / given['std'][0, 0]).flatten()
    # The first batch is half of the average.
    expected = (identity + row[:, None] * row + 1e-3 * identity) / 2
    torch.testing.assert_close(module.noise_covariance, expected)
    white = build(noise='white').train()
    white.loss(**given, target=given['mean'] + 1)
    assert torch.equal(white.noise_covariance, identity)


def test_loss_by_hand():
    """F = 0 at one known angle: the velocity's own square."""
    module = build(
        trained=False, noise='white', log_sigma_mean=0., log_sigma_std=0.)
    given = window()
    target = given['mean'] + 0.5 * given['std']
    loss = module.loss(**given, target=target, draws=draws(5, 6))
    drawn = draws(5, 6)[..., :3]
    # sigma = 1, sin = cos = sqrt(1/2).
    expected = ((0.5 - drawn) / 2**0.5).square().mean()
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)


def test_unknown_targets_have_no_loss_and_no_way_in():
    module = build(noise='white')
    given = window()
    weight = torch.ones(2, 5, J)
    weight[:, :, 1] = 0
    target = given['mean'] + given['std']
    other = target.clone()
    other[:, :, 1] = 1e6
    arguments = dict(weight=weight, draws=draws(1, 2))
    loss = module.loss(**given, target=target, **arguments)
    assert loss == module.loss(**given, target=other, **arguments)
    # Not by weight: all joints alike have the loss of no weights.
    torch.testing.assert_close(
        module.loss(**given, target=target, draws=draws(1, 2)),
        module.loss(
            **given,
            target=target,
            draws=draws(1, 2),
            weight=2 * torch.ones(2, 5, J)))


def test_a_window_is_independent_of_its_batch():
    module = build()
    given = window()
    target = given['mean'] + given['std']
    both = module.loss(**given, target=target, draws=draws(1, 2))
    alone = [
        module.loss(
            **{
                k: v[i:i + 1]
                for k, v in given.items()
            },
            target=target[i:i + 1],
            draws=draws(i + 1)) for i in (0, 1)
    ]
    torch.testing.assert_close(both, sum(alone) / 2)
    with pytest.raises(ValueError, match=r'\(2, 8, 5, 3, 7\)'):
        module.loss(**given, target=target, draws=draws(1))


def test_gradients_reach_this_module_only():
    module = build()
    given = {k: v.requires_grad_() for k, v in window().items()}
    module.loss(**given, target=torch.zeros(2, 5, J, 3)).backward()
    assert all(value.grad is None for value in given.values())
    assert all(p.grad is not None for p in module.parameters())


@pytest.mark.parametrize('parts', [1, 10, 10000])
@pytest.mark.parametrize('shared', [True, False])
def test_parts_of_a_batch_change_nothing(parts, shared, monkeypatch):
    """Against the network itself, all frames and hypotheses at once."""
    module = build()
    given = window()
    white = noise(T=1 if shared else 5)
    seen = (torch.rand(2, 5, J) > 0.5).float()
    monkeypatch.setattr(residual_diffusion, 'CPU_POSES', parts)
    poses = module.sample(
        **given, noise=white, seen=seen, sigma_max=1., exponent=2.)
    quarter = torch.pi / 4
    z = white.expand(2, 7, 5, J, 3)
    context = module.context(**given, seen=seen)
    for angle, after in ((quarter, quarter / 4), (quarter / 4, 0.)):
        z = z + (angle - after) * module.denoiser(
            z, torch.full((2, 7, 5), angle), context)
    expected = given['mean'][:, None] + given['std'][:, None] * z
    torch.testing.assert_close(poses, expected.detach())


def test_one_noise_for_all_frames_makes_motions():
    """Frames that look alike get the same residual, others nearly so."""
    module = build()
    given = {k: v[:, :1].expand(-1, 5, -1, -1) for k, v in window().items()}
    poses = module.sample(**given, noise=noise())
    assert poses.diff(dim=2).abs().max().item() < 1e-5
    independent = module.sample(**given, noise=noise(T=5))
    assert independent.diff(dim=2).abs().mean().item() > 0.05


def test_recentred_and_spread():
    module = build()
    given = window()
    plain = module.sample(**given, noise=noise())
    moved = module.sample(**given, noise=noise(), recentre=True, spread=1.5)
    torch.testing.assert_close(moved.mean(dim=1), given['mean'])
    torch.testing.assert_close(
        moved, given['mean'][:, None] + 1.5 *
        (plain - plain.mean(dim=1, keepdim=True)))
    wide = module.sample(**given, noise=noise(), spread=2.)
    torch.testing.assert_close(wide - given['mean'][:, None],
                               2 * (plain - given['mean'][:, None]))


def test_the_start_may_be_samples_of_another_distribution():
    """F = 0: z = cos u + sin e comes out as it went in."""
    module = build(trained=False)
    given = window()
    start = given['mean'][:, None] + 3 * given['std'][:, None]
    start = start.expand(2, 7, 5, J, 3)
    poses = module.sample(**given, noise=noise(), start=start, sigma_max=0.75)
    # tan = 3/4: cos = 4/5, sin = 3/5.
    z = 0.8 * 3 + 0.6 * noise()
    torch.testing.assert_close(
        poses, given['mean'][:, None] + given['std'][:, None] * z)


def test_double_and_mixed_precision():
    """The same poses; correlations are not rounded to half precision."""
    module = build(noise='residual')
    module.noise_covariance.fill_diagonal_(1.).add_(0.3).div_(1.3)
    given = window()
    expected = module.sample(**given, noise=noise())
    with torch.autocast('cpu', torch.bfloat16):
        mixed = module.sample(**given, noise=noise())
        coloured = module.colour(noise())
        loss = module.loss(**given, target=given['mean'])
    assert mixed.dtype == torch.float32
    assert loss.isfinite()
    torch.testing.assert_close(mixed, expected, atol=0.02, rtol=0)
    assert torch.equal(coloured, module.colour(noise()))
    module.double().train()
    double = {k: v.double() for k, v in given.items()}
    poses = module.sample(**double, noise=noise().double())
    torch.testing.assert_close(poses, expected.double(), atol=1e-4, rtol=0)
    loss = module.loss(**double, target=double['mean'] + 1)
    assert loss.dtype == torch.float64


def test_a_callback_sees_the_way_down():
    """Two even steps from tan = 3/4, with numbers of the network itself."""
    module = build()
    given = window()
    seen = []
    poses = module.sample(
        **given,
        noise=noise(T=5),
        sigma_max=0.75,
        exponent=1.,
        callback=lambda *state: seen.append(state))
    torch.testing.assert_close(
        poses,
        module.sample(**given, noise=noise(T=5), sigma_max=0.75, exponent=1.))
    assert [k for k, _, _ in seen] == [2, 1]
    mean, std = (given[key][:, None] for key in ('mean', 'std'))
    first, second = ((state - mean) / std for _, state, _ in seen)
    torch.testing.assert_close(first, noise(T=5))
    angle = math.atan(0.75)
    velocity = (second - first) / (angle / 2)
    torch.testing.assert_close(seen[0][2],
                               mean + std * (0.8 * first + 0.6 * velocity))
    # The second estimate says where the last step goes.
    half = angle / 2
    velocity = ((poses - mean) / std - second) / half
    torch.testing.assert_close(
        seen[1][2],
        mean + std * (math.cos(half) * second + math.sin(half) * velocity))


@pytest.mark.parametrize('options, message', [
    (dict(sampler='ddim'), 'one of'),
    (dict(sampler='heun', evaluations=2), 'got 2'),
    (dict(sigma_max=0.), 'positive'),
    (dict(noise=torch.zeros(2, 7, 4, J, 3)), 'noise'),
    (dict(noise=torch.zeros(1, 7, 1, J, 3)), 'noise'),
])
def test_what_cannot_be_sampled_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        build().sample(**{**window(), 'noise': noise(), **options})
    with pytest.raises(ValueError, match='white'):
        build(noise='pink')
