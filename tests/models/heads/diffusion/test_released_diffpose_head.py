# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The released code's training and sampling, written out step by step."""
import math

import numpy as np
import pytest
import torch
from lifter_factory import (WIDTH, T, batch, build, encoder_config,
                            mirrored_poses)

from mmdiffpose.diffusion.noise import HypothesisNoise, seed_from
from mmdiffpose.models.heads.diffusion import released_diffpose_head
from mmdiffpose.models.heads.diffusion.released_diffpose_head import (
    pick_kernels, released_steps)

BETAS = np.linspace(1e-4, 1e-3, 51)
SIGNAL = np.cumprod(1 - BETAS)
"""alpha bar of steps 0 to 50, as the released code counts them."""


def lifter(test_cfg=None, **head):
    torch.manual_seed(0)
    model = build(
        dict(
            type='mmdiffpose.DiffusionPoseLifter',
            backbone=encoder_config(),
            coarse_head=dict(
                type='mmdiffpose.LiftingRegressionHead', in_channels=WIDTH),
            head=dict(
                type='mmdiffpose.ReleasedDiffPoseHead',
                denoiser=dict(
                    type='mmdiffpose.GCNDiff', channels=16, num_layers=1),
                **head),
            test_cfg=test_cfg))
    model.context_loaded.fill_(True)
    model.coarse_head.set_residual_std(torch.full((17, 3), 0.07))
    return model.eval()


def two_kernels(samples, seed=0):
    """Give each joint a second component."""
    rng = np.random.default_rng(seed)
    for sample in samples:
        mixtures = sample.gt_instance_labels.mixture_labels
        mixtures[..., 0] = torch.tensor([0.6, 0.4])
        mixtures[..., 1, 1:3] += 0.3
        mixtures[..., 3:] = torch.from_numpy(
            rng.uniform(0.01, 0.1, (T, 17, 2, 2))).to(mixtures)
    return samples


def predict(model, inputs, samples, **test_cfg):
    model.test_cfg = test_cfg
    with torch.no_grad():
        return [s.pred_instances for s in model.predict(inputs, samples)]


def test_the_schedule_is_the_released_one():
    alphas = lifter().head.process.alphas
    assert len(alphas) == 52
    np.testing.assert_allclose(alphas[1:], SIGNAL, rtol=1e-6)
    noise = (1 - alphas[1:]).sqrt()
    for t, level in ((0, .010), (6, .033), (12, .052), (24, .089), (50, .166)):
        assert noise[t].item() == pytest.approx(level, abs=6e-4)


@pytest.mark.parametrize('noise_scale', [None, (0.5, 0.5, 1, 1, 1)])
def test_the_loss_is_the_released_one(noise_scale):
    """Frame by frame, joint by joint, in NumPy, with the same draws."""
    model = lifter(noise_scale=noise_scale)
    inputs, samples = batch([4, 5, 6])
    two_kernels(samples)
    with torch.no_grad():
        loss = model.loss(inputs, samples)['loss_diffusion']

    noise = HypothesisNoise([seed_from(0, i) for i in (4, 5, 6)], 1, T, 17)
    choice, u, white = noise.uniform(), noise.uniform(), noise.normal(5)
    frames = 3 * T
    drawn = [int(51 * u[i, 0, f, 0]) for i in range(3) for f in range(T)]
    half = frames // 2 + 1
    steps = (drawn[:half] + [50 - t for t in drawn[:half]])[:frames]
    total, used = 0., set()
    for row, t in enumerate(steps):
        i, f = divmod(row, T)
        labels = samples[i].gt_instance_labels
        x0, e = np.zeros((17, 5)), np.zeros((17, 5))
        for j in range(17):
            kernel = labels.mixture_labels[f, j, int(choice[i, 0, f, j] > .6)]
            used.add(int(choice[i, 0, f, j] > .6))
            target = labels.lifting_target_label
            x0[j] = [*kernel[1:3], *(target[f, j] - target[f, 0])]
            scale = noise_scale or [*kernel[3:], 1, 1, 1]
            e[j] = white[i, 0, f, j].numpy() * np.array(scale)
        x_t = math.sqrt(SIGNAL[t]) * x0 + math.sqrt(1 - SIGNAL[t]) * e
        with torch.no_grad():
            output = model.head.denoiser(
                torch.from_numpy(x_t)[None, None].float(),
                torch.tensor([t + 1]))
        total += ((output[0, 0].numpy() - e)**2).sum()
    assert used == {0, 1}
    assert loss.item() == pytest.approx(total / frames, rel=1e-5)


def test_it_trains_the_denoiser_only_and_draws_anew():
    model = lifter().train()
    inputs, samples = batch([0, 1])
    first = model.loss(inputs, samples)['loss_diffusion']
    first.backward()
    assert all(p.grad is not None for p in model.head.parameters())
    assert all(p.grad is None for p in model.backbone.parameters())
    assert int(model.head.iteration) == 1
    assert model.loss(inputs, samples)['loss_diffusion'] != first


def test_masked_joints_do_not_count():
    model = lifter()
    inputs, samples = batch([0])
    labels = samples[0].gt_instance_labels
    labels.lifting_target_weight[:, 5] = 0
    masked = model.loss(inputs, samples)['loss_diffusion']
    model.head.iteration.zero_()
    # The network sees the target; at weight 0 its error there is no matter.
    labels.lifting_target_weight[:] = 0
    assert model.loss(inputs, samples)['loss_diffusion'] == 0 < masked


@pytest.mark.parametrize('sampling_range, steps', [((24, 2), [12, 0]),
                                                   ((12, 2), [6, 0]),
                                                   ((6, 1), [0]),
                                                   ((25, 2), [24, 12, 0])])
def test_the_sampler_against_its_closed_form(sampling_range, steps):
    model = lifter()
    inputs, samples = batch([0, 1])
    two_kernels(samples)
    out = predict(model, inputs, samples, sampling_range=sampling_range)
    with torch.no_grad():
        coarse = model.extract_feat(inputs).coarse.double().numpy()
    for i, sample in enumerate(samples):
        # The likelier kernel is the first.
        uv = sample.gt_instance_labels.mixture_labels[:, :, 0, 1:3].numpy()
        x = np.concatenate([uv, coarse[i]], axis=-1)
        for t, following in zip(steps, [*steps[1:], None]):
            with torch.no_grad():
                e = model.head.denoiser(
                    torch.from_numpy(x)[:, None].float(),
                    torch.full((T, ), t + 1))[:, 0].double().numpy()
            x0 = (x - math.sqrt(1 - SIGNAL[t]) * e) / math.sqrt(SIGNAL[t])
            a = 1. if following is None else SIGNAL[following]
            x = math.sqrt(a) * x0 + math.sqrt(1 - a) * e
        expected = x[..., 2:] - x[:, :1, 2:]
        np.testing.assert_allclose(out[i].keypoints, expected, atol=1e-5)
        assert np.abs(expected - coarse[i]).max() > 1e-3


def test_steps_that_are_out_of_range_are_refused():
    assert released_steps((24, 2), 51) == [13, 1, 0]
    for wrong in ((52, 2), (2, 3), (4, 0)):
        with pytest.raises(ValueError, match='sampling_range'):
            released_steps(wrong, 51)
    with pytest.raises(ValueError, match='num_sampling_steps'):
        predict(lifter(), *batch([0]), num_sampling_steps=5)
    with pytest.raises(ValueError, match='noise_scale'):
        lifter(noise_scale=(1, 1, 1))
    model = lifter()
    known = model.extract_feat(batch([0])[0])
    with pytest.raises(ValueError, match='2D mixtures'):
        model.head(known._replace(points=None))


def test_copies_of_one_hypothesis_are_refused_and_one_is_announced(
        monkeypatch):
    model = lifter()
    inputs, samples = batch([0])
    with pytest.raises(ValueError, match='copies of one pose'):
        predict(model, inputs, samples, num_hypotheses=5)
    told = []
    monkeypatch.setattr(released_diffpose_head, 'print_log',
                        lambda message, **_: told.append(message))
    one, = predict(model, inputs, samples)
    predict(model, inputs, samples)
    assert len(told) == 1 and 'deterministic' in told[0]
    assert one.hypotheses.shape == (T, 1, 17, 3)
    np.testing.assert_allclose(one.hypotheses[:, 0], one.keypoints)
    # Certainty is not claimed: the std is the encoder's.
    np.testing.assert_allclose(one.keypoint_std, 0.07, rtol=1e-5)


@pytest.mark.parametrize('option', [dict(start_noise=1.), dict(eta=1.)])
def test_noise_makes_hypotheses_differ(option):
    model = lifter()
    inputs, samples = batch([0, 1])
    out = predict(model, inputs, samples, num_hypotheses=4, **option)[1]
    pairs = out.hypotheses[:, :, None] - out.hypotheses[:, None]
    apart = np.linalg.norm(pairs, axis=-1)[..., 1:]
    assert apart[:, ~np.eye(4, dtype=bool)].min() > 0
    np.testing.assert_allclose(
        out.keypoints, out.hypotheses.mean(1), atol=1e-6)
    # The same seed gives the same poses in any batch and number.
    alone, = predict(
        model, inputs[1:], samples[1:], num_hypotheses=2, **option)
    np.testing.assert_allclose(
        alone.hypotheses, out.hypotheses[:, :2], atol=1e-5)


def test_kernels_are_drawn_joint_by_joint_by_weight():
    mixtures = torch.zeros(2000, 17, 3, 5)
    mixtures[..., 0] = torch.tensor([0.5, 0.2, 0.3])
    mixtures[..., 1:] = torch.arange(3.)[:, None]
    uniform = torch.rand(2000, 17, generator=torch.Generator().manual_seed(0))
    mean, std = pick_kernels(mixtures, uniform)
    torch.testing.assert_close(mean, std)
    share = torch.stack([(mean[..., 0] == m).float().mean(0)
                         for m in range(3)])
    assert (share - mixtures[0, 0, :, :1]).abs().max() < 0.05
    together = (mean[:, 0, 0] == 0) & (mean[:, 1, 0] == 0)
    assert together.float().mean().item() == pytest.approx(0.25, abs=0.04)
    # The released files say (1, 0, 0): always the first.
    mixtures[..., 0] = torch.tensor([1., 0, 0])
    assert (pick_kernels(mixtures, uniform)[0] == 0).all()
    assert (pick_kernels(mixtures, None)[0] == 0).all()


def test_roots_are_taken_off_without_touching_what_came_in():
    """The released ``x -= x[:, :1]`` works on memory that it overwrites."""
    model = lifter()
    inputs, samples = batch([0])
    labels = samples[0].gt_instance_labels
    before = [
        inputs.clone(),
        labels.lifting_target_label.clone(),
        labels.mixture_labels.clone()
    ]
    feats = model.extract_feat(inputs)
    coarse = feats.coarse.clone()
    with torch.no_grad():
        model.head.loss(feats, samples)
        out = model.head.predict(feats, samples)[0]
    assert (out.keypoints[:, 0] == 0).all() and (out.hypotheses[:, :, 0]
                                                 == 0).all()
    for old, new in zip([*before, coarse], [
            inputs, labels.lifting_target_label, labels.mixture_labels,
            feats.coarse
    ]):
        torch.testing.assert_close(new, old, rtol=0, atol=0)
    poses = torch.randn(2, 17, 3) + 5
    moved = model.head.to_root_relative(poses)
    torch.testing.assert_close(moved[:, 3], poses[:, 3] - poses[:, 0])
    assert (moved[:, 0] == 0).all() and (poses > 0).any()


def test_flips_average_the_encoder_and_are_refined_once():
    model = lifter()
    inputs, samples = batch([0])
    calls = []
    model.head.denoiser.register_forward_hook(lambda *a: calls.append(1))
    out, = predict(model, inputs, samples, flip_test=True)
    assert len(calls) == 2  # its two steps
    with torch.no_grad():
        coarse = model.extract_feat(inputs).coarse
        other = model.extract_feat(mirrored_poses(inputs)).coarse
    expected = (coarse + mirrored_poses(other))[0] / 2
    np.testing.assert_allclose(out.coarse_keypoints, expected, atol=1e-6)
    with torch.no_grad():
        refined = model.head.sample(
            model.extract_feat(inputs)._replace(coarse=expected[None]),
            samples[0].gt_instance_labels.mixture_labels[None])
    np.testing.assert_allclose(out.keypoints, refined[0, 0], atol=1e-5)
