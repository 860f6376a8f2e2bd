# Copyright (c) mmdiffpose contributors. All rights reserved.
import math

import numpy as np
import pytest
import torch
from diffhpe_factory import diffhpe
from lifter_factory import WIDTH, T, batch, encoder_config

from mmdiffpose.diffusion.noise import HypothesisNoise, seed_from
from mmdiffpose.diffusion.reprojection import joint_wise_by_reprojection

CAMERA = dict(w=1000, h=800, f=[900., 950.], c=[480., 410.])


def predict(model, inputs, samples, **test_cfg):
    model.test_cfg = test_cfg
    with torch.no_grad():
        return [s.pred_instances for s in model.predict(inputs, samples)]


def betas(K=50):
    """The released schedule, written out."""

    def level(s):
        return math.cos((s + 0.008) / 1.008 * math.pi / 2)**2

    return [min(1 - level((i + 1) / K) / level(i / K), 0.5) for i in range(K)]


def test_the_schedule_is_the_released_one():
    alphas = diffhpe().head.process.alphas
    expected = np.cumprod(1 - np.array(betas()))
    np.testing.assert_allclose(alphas[1:], expected, rtol=1e-9)
    assert 1 - alphas[1].item() == pytest.approx(.00175, abs=5e-6)
    assert alphas[-1].item() == pytest.approx(.00109, abs=5e-6)
    assert [b == 0.5 for b in betas()] == [False] * 47 + [True] * 3


@pytest.mark.parametrize('wrapper', [False, True])
@pytest.mark.parametrize('head', ['DiffHPEHead', 'DenoiserRegressionHead'])
def test_a_step_of_training_and_a_prediction(wrapper, head):
    model = diffhpe(wrapper, head).train()
    inputs, samples = batch([0, 1, 2])
    before = {k: v.clone() for k, v in model.state_dict().items()}
    optimizer = torch.optim.Adam(
        [p for p in model.parameters() if p.requires_grad])
    loss = sum(model.loss(inputs, samples).values())
    loss.backward()
    optimizer.step()
    assert loss.isfinite()
    for name, parameter in model.named_parameters():
        moved = not torch.equal(parameter, before[name])
        # The control's pose is zero, and so is what embeds it.
        blank = head != 'DiffHPEHead' and name.endswith('pose_embed.weight')
        assert moved == (name.startswith('head.') and not blank), name
    model.eval()
    options = dict(num_hypotheses=3) if head == 'DiffHPEHead' else {}
    out = predict(model, inputs, samples, **options)[1]
    assert out.keypoints.shape == (T, 17, 3)
    assert np.isfinite(out.keypoints).all()
    assert (out.keypoints[:, 0] == 0).all()
    assert out.keypoint_std.shape == out.keypoint_scores.shape == (T, 17)
    assert ('hypotheses' in out) == (head == 'DiffHPEHead')
    assert ('coarse_keypoints' in out) == wrapper
    state = {k: v.clone() for k, v in model.state_dict().items()}
    other = diffhpe(wrapper, head)
    other.load_state_dict(state)
    again = predict(other, inputs, samples, **options)[1]
    np.testing.assert_array_equal(again.keypoints, out.keypoints)


def test_the_loss_is_the_mean_of_squares_of_the_noise():
    """Window by window, root included, with the same draws."""
    model = diffhpe()
    inputs, samples = batch([4, 5, 6])
    with torch.no_grad():
        loss = model.loss(inputs, samples)['loss_diffusion']
        noise = HypothesisNoise([seed_from(0, i) for i in (4, 5, 6)], 1, T, 17)
        u, epsilon = noise.uniform(), noise.normal()
        levels = np.cumprod(1 - np.array(betas()))
        squares = []
        for i, sample in enumerate(samples):
            t = int(50 * u[i, 0, 0, 0])
            x_0 = sample.gt_instance_labels.lifting_target_label
            assert x_0[:, 0].abs().max() == 0 and x_0.abs().max() > 0.2
            x_t = levels[t]**.5 * x_0 + (1 - levels[t])**.5 * epsilon[i, 0]
            out = model.head.denoiser(x_t[None].float(), torch.tensor([t + 1]),
                                      inputs[i:i + 1])
            squares.append((out[0] - epsilon[i, 0]).square().mean())
    torch.testing.assert_close(
        loss, torch.stack(squares).mean(), rtol=1e-5, atol=0)
    assert model.loss(inputs, samples)['loss_diffusion'] != loss


@pytest.mark.parametrize('target', ['epsilon', 'sample'])
@pytest.mark.parametrize('exponent', [1., 0.3])
@torch.no_grad()
def test_training_draws_the_steps_and_targets_that_were_asked_for(
        target, exponent, monkeypatch):
    options = {} if exponent == 1 else dict(step_exponent=exponent)
    model = diffhpe(target=target, **options)
    inputs, samples = batch(range(8))
    seen = {}

    def denoiser(x_k, step, context):
        seen.update(x_k=x_k, step=step)
        return torch.zeros_like(x_k)

    monkeypatch.setattr(model.head.denoiser, 'forward', denoiser)
    loss = model.loss(inputs, samples)['loss_diffusion']
    noise = HypothesisNoise([seed_from(0, i) for i in range(8)], 1, T, 17)
    u, epsilon = noise.uniform()[:, 0, 0, 0], noise.normal()[:, 0]
    assert torch.equal(seen['step'], 1 + (50 * u**exponent).long())
    # A network that says nothing is off by the target itself.
    wanted = epsilon
    if target == 'sample':
        wanted = torch.stack(
            [s.gt_instance_labels.lifting_target_label for s in samples])
    torch.testing.assert_close(loss, wanted.square().mean())


@pytest.mark.parametrize('wrapper', [False, True])
@torch.no_grad()
def test_sampling_is_the_released_update(wrapper):
    """Hypothesis by hypothesis, the context anew at each step."""
    model = diffhpe(wrapper)
    inputs, _ = batch([0, 1])
    out = model.head.sample(
        model.extract_feat(inputs), seeds=[7, 8], num_hypotheses=3)
    noise = HypothesisNoise([7, 8], 3, T, 17)
    z = [noise.normal() for _ in range(50)]
    beta = betas()
    level = np.cumprod(1 - np.array(beta))
    for n in range(3):
        x = z[0][:, n]
        for t in range(49, -1, -1):
            context = inputs
            if wrapper:
                context = model.coarse_head.norm(model.backbone(inputs)[-1])
            steps = torch.full((2, ), t + 1)
            epsilon = model.head.denoiser(x, steps, context)
            x = (x - beta[t] /
                 (1 - level[t])**.5 * epsilon) / (1 - beta[t])**.5
            if t > 0:
                sigma2 = (1 - level[t - 1]) / (1 - level[t]) * beta[t]
                x = x + sigma2**.5 * z[50 - t][:, n]
        scale = x.abs().max().item()
        torch.testing.assert_close(
            out[:, n], x - x[:, :, :1], rtol=1e-4, atol=1e-5 * scale)


@pytest.mark.parametrize('sampler', ['ddpm', 'ddim'])
@torch.no_grad()
def test_sampling_is_exact_where_the_answer_is_known(sampler, monkeypatch):
    """The best denoiser of one pose: all noise leads back to it."""
    model = diffhpe()
    pose = torch.randn(2, 1, T, 17, 3)
    process = model.head.process

    def bind(features, num_hypotheses):

        def bound(x_k, k):
            alpha = float(process.alphas[k[0]])
            return (x_k - alpha**.5 * pose) / (1 - alpha)**.5

        return bound

    monkeypatch.setattr(model.head.denoiser, 'bind', bind)
    feats = model.extract_feat(batch([0, 1])[0])
    out = model.head.sample(feats, sampler=sampler, num_hypotheses=2)
    expected = (pose - pose[..., :1, :]).expand_as(out)
    torch.testing.assert_close(out, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('options', [dict(), dict(sampler='ddim', eta=1.)])
def test_a_seed_gives_the_same_poses_in_any_batch_and_number(options):
    model = diffhpe(wrapper=True)
    inputs, samples = batch([0, 1, 2])
    whole = predict(model, inputs, samples, num_hypotheses=4, **options)
    alone, = predict(
        model, inputs[1:2], samples[1:2], num_hypotheses=2, **options)
    scale = np.abs(whole[1].hypotheses).max()
    np.testing.assert_allclose(
        alone.hypotheses, whole[1].hypotheses[:, :2], atol=1e-4 * scale)
    pairs = whole[1].hypotheses[:, :, None] - whole[1].hypotheses[:, None]
    assert np.linalg.norm(
        pairs, axis=-1)[:, ~np.eye(4, dtype=bool), 1:].min() > 0
    np.testing.assert_allclose(
        whole[0].keypoints, whole[0].hypotheses.mean(1), atol=1e-5 * scale)
    other = predict(model, inputs, samples, num_hypotheses=4, seed=1)
    assert np.abs(other[1].hypotheses - whole[1].hypotheses).max() > 1e-3


def test_each_part_runs_as_often_as_it_must():
    model = diffhpe(wrapper=True)
    calls = dict(encoder=0, embedding=0)
    model.backbone.register_forward_hook(
        lambda *_: calls.update(encoder=calls['encoder'] + 1))
    model.head.denoiser.step_embedding.register_forward_hook(
        lambda *_: calls.update(embedding=calls['embedding'] + 1))
    steps = []
    bind = model.head.denoiser.bind

    def spy(features, num_hypotheses):
        bound = bind(features, num_hypotheses)
        return lambda x, k: steps.append(
            (tuple(x.shape[:2]), k.tolist())) or bound(x, k)

    model.head.denoiser.bind = spy
    inputs, samples = batch([0, 1])
    predict(model, inputs, samples, num_hypotheses=3)
    assert calls == dict(encoder=1, embedding=1)
    assert steps == [((2, 3), [k, k]) for k in range(50, 0, -1)]
    steps.clear()
    predict(model, inputs, samples, sampler='ddim', num_sampling_steps=5)
    assert [k for _, (k, _) in steps] == [50, 40, 30, 20, 10]


def test_one_hypothesis_is_not_sure_of_itself():
    inputs, samples = batch([0])
    out, = predict(diffhpe(), inputs, samples, num_hypotheses=1)
    assert (out.keypoint_std > 0.09).all() and out.keypoint_scores.max() < 1
    model = diffhpe(wrapper=True)
    model.coarse_head.set_residual_std(torch.full((17, 3), 0.07))
    out, = predict(model, inputs, samples, num_hypotheses=1)
    np.testing.assert_allclose(out.keypoint_std, 0.07, rtol=1e-5)


def test_aggregation_by_reprojection():
    model = diffhpe()
    inputs, samples = batch([0, 1])
    for sample in samples:
        sample.gt_instance_labels.keypoint_labels_visible[0, 3] = 0
    with pytest.raises(ValueError, match="camera_param.'f'"):
        predict(model, inputs, samples, aggregation='jpma')
    for sample in samples:
        sample.set_metainfo(dict(camera_param=CAMERA))
    mean = predict(model, inputs, samples)
    out = predict(model, inputs, samples, aggregation='jpma')
    hypotheses = torch.from_numpy(np.stack([o.hypotheses
                                            for o in out])).transpose(1, 2)
    pixels = (inputs + torch.tensor([1, .8])) * 500
    visible = torch.stack(
        [s.gt_instance_labels.keypoint_labels_visible for s in samples])
    f, c = (torch.tensor([CAMERA[key]] * 2) for key in 'fc')
    expected = joint_wise_by_reprojection(hypotheses, pixels, visible, f, c)
    for i in range(2):
        np.testing.assert_array_equal(out[i].hypotheses, mean[i].hypotheses)
        np.testing.assert_allclose(out[i].keypoints, expected[i], atol=1e-6)
    with pytest.raises(ValueError, match="aggregation.*'best'"):
        predict(model, inputs, samples, aggregation='best')


def test_parts_that_do_not_fit_are_errors():
    with pytest.raises(ValueError, match='sampler.*unipc'):
        predict(diffhpe(), *batch([0]), sampler='unipc')
    with pytest.raises(ValueError, match='num_hypotesis'):
        predict(diffhpe(), *batch([0]), num_hypotesis=3)
    with pytest.raises(ValueError, match='num_steps=20'):
        diffhpe(denoiser=dict(num_steps=20))
    with pytest.raises(ValueError, match='target'):
        diffhpe(target='previous')
    config = dict(
        type='mmdiffpose.DiffusionPoseLifter',
        backbone=dict(type='mmdiffpose.IdentityContext'),
        head=dict(
            type='mmdiffpose.DiffPoseHead',
            in_channels=2,
            denoiser=dict(type='mmdiffpose.GCNAttention', channels=16)))
    from lifter_factory import build
    with pytest.raises(ValueError, match='needs coarse poses'):
        build(config)
    config['backbone'] = encoder_config()
    with pytest.raises(ValueError, match='MixSTE has weights'):
        build(config)
    with pytest.raises(ValueError, match=f'a context of shape.*{WIDTH}'):
        diffhpe(True, denoiser=dict(context_channels=9)).loss(*batch([0]))


def test_an_encoder_without_weights_needs_no_first_stage():
    model = diffhpe()
    assert bool(model.context_loaded)
    assert model.train().loss(*batch([0, 1]))['loss_diffusion'].isfinite()
    model = diffhpe(wrapper=True)
    model.context_loaded.fill_(False)
    with pytest.raises(ValueError, match='no trained weights'):
        model.train().loss(*batch([0, 1]))
