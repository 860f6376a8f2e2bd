# Copyright (c) mmdiffpose contributors. All rights reserved.
import numpy as np
import pytest
import torch
from lifter_factory import T, batch, lifter

from mmdiffpose.diffusion.samplers import step_sequence
from mmdiffpose.models.heads.diffusion import diffpose_head

STARTS = ('gmm', 'joint', 'standard')
TARGETS = ('sample', 'epsilon', 'previous')


def loss_of(model, inputs, samples):
    model.head.iteration.zero_()
    return model.loss(inputs, samples)['loss_diffusion']


@pytest.mark.parametrize('start', STARTS)
@pytest.mark.parametrize('target', TARGETS)
def test_every_combination_trains_and_predicts(start, target):
    model = lifter(start=start, target=target, num_components=2)
    model.train()
    inputs, samples = batch([0, 1])
    loss = loss_of(model, inputs, samples)
    loss.backward()
    grads = [p.grad for p in model.head.parameters()]
    assert loss.isfinite() and all(g is not None for g in grads)
    assert all(p.grad is None for p in model.backbone.parameters())
    with torch.no_grad():
        out = model.eval().predict(inputs, samples)
    assert np.isfinite(out[0].pred_instances.keypoints).all()


def test_a_batch_is_the_mean_of_its_parts():
    """What lets several processes train as one: noise goes by sample."""
    model = lifter(num_components=2, num_train_hypotheses=2).train()
    inputs, samples = batch([3, 4, 5, 6])
    whole = loss_of(model, inputs, samples)
    parts = [
        loss_of(model, inputs[rows], samples[rows])
        for rows in (slice(0, 2), slice(2, 4))
    ]
    torch.testing.assert_close(whole, sum(parts) / 2, rtol=1e-4, atol=0)
    assert loss_of(model, inputs, samples) == whole
    assert model.loss(inputs, samples)['loss_diffusion'] != whole


def hypotheses_of(model, inputs, samples, **test_cfg):
    model.test_cfg = dict(test_cfg)
    with torch.no_grad():
        out = model.predict(inputs, samples)
    return [s.pred_instances for s in out]


@pytest.mark.parametrize('start', STARTS)
def test_a_seed_gives_the_same_poses_in_any_batch_and_number(start):
    model = lifter(start=start, num_components=2, target='sample')
    inputs, samples = batch([0, 1, 2])
    whole = hypotheses_of(model, inputs, samples, num_hypotheses=4)
    alone = hypotheses_of(model, inputs[1:2], samples[1:2], num_hypotheses=2)
    np.testing.assert_allclose(
        alone[0].hypotheses, whole[1].hypotheses[:, :2], atol=2e-3)
    other = hypotheses_of(model, inputs, samples, num_hypotheses=4, seed=1)
    assert np.abs(other[1].hypotheses - whole[1].hypotheses).max() > 1e-3


def test_hypotheses_differ_and_the_pose_is_their_mean():
    model = lifter(target='sample')
    inputs, samples = batch([0])
    out, = hypotheses_of(model, inputs, samples, num_hypotheses=6)
    assert out.hypotheses.shape == (T, 6, 17, 3)
    pairs = out.hypotheses[:, :, None] - out.hypotheses[:, None]
    away_from_root = np.linalg.norm(pairs, axis=-1)[..., 1:]
    assert away_from_root[:, ~np.eye(6, dtype=bool)].min() > 0
    np.testing.assert_allclose(
        out.keypoints, out.hypotheses.mean(1), atol=1e-6)
    std = np.sqrt(out.hypotheses.var(1, ddof=1).mean(-1))
    np.testing.assert_allclose(out.keypoint_std, std, atol=1e-5)
    assert (out.keypoints[:, 0] == 0).all()
    assert out.keypoint_scores.min() >= 0 and out.keypoint_scores.max() <= 1
    assert out.coarse_keypoints.shape == (T, 17, 3)


def test_one_hypothesis_reports_the_encoders_std_not_certainty():
    model = lifter(target='sample')
    model.coarse_head.set_residual_std(torch.full((17, 3), 0.07))
    out, = hypotheses_of(model, *batch([0]), num_hypotheses=1)
    np.testing.assert_allclose(out.keypoint_std, 0.07, rtol=1e-5)


def test_the_network_runs_once_per_step_and_the_encoder_once(monkeypatch):
    calls = []
    model = lifter(target='sample')
    forward = model.head.denoiser.forward

    def spy(x, k, context):
        calls.append((len(x), k.unique().tolist()))
        return forward(x, k, context)

    monkeypatch.setattr(model.head.denoiser, 'forward', spy)
    encoded = []
    model.backbone.register_forward_hook(lambda *_: encoded.append(1))
    inputs, samples = batch([0, 1])
    hypotheses_of(model, inputs, samples, num_hypotheses=3)
    assert calls == [(2 * 3 * T, [k]) for k in step_sequence(50, 5)[:-1]]
    assert len(encoded) == 1
    calls.clear()
    hypotheses_of(model, inputs, samples, sampler='ddpm', num_hypotheses=1)
    assert [k for _, (k, ) in calls] == list(range(50, 0, -1))


def test_parts_of_a_batch_give_what_the_whole_gives(monkeypatch):
    model = lifter(target='sample')
    inputs, samples = batch([0, 1])
    sizes = []
    model.head.denoiser.register_forward_hook(
        lambda _, args, out: sizes.append(len(out)))
    monkeypatch.setattr(model.head.denoiser, 'cpu_group', None)
    whole = hypotheses_of(model, inputs, samples, num_hypotheses=3)
    assert set(sizes) == {2 * 3 * T}
    sizes.clear()
    monkeypatch.setattr(model.head.denoiser, 'cpu_group', 7)
    parts = hypotheses_of(model, inputs, samples, num_hypotheses=3)
    assert sizes[:5] == [7, 7, 7, 7, 2]
    for ours, expected in zip(parts, whole):
        np.testing.assert_allclose(
            ours.hypotheses, expected.hypotheses, atol=1e-5)


def test_unknown_options_are_errors():
    model = lifter()
    with pytest.raises(ValueError, match='num_hypotesis'):
        hypotheses_of(model, *batch([0]), num_hypotesis=3)
    with pytest.raises(ValueError, match='sampler.*unipc'):
        hypotheses_of(model, *batch([0]), sampler='unipc')
    for wrong in (dict(target='x0'), dict(start='noise'), dict(train_steps=0),
                  dict(schedule=dict(type='sigmoid'))):
        with pytest.raises(ValueError):
            lifter(**wrong)
    with pytest.raises(TypeError, match='num_step'):
        lifter(num_step=50)


def test_the_forward_process_starts_from_the_fitted_mixture():
    """h_K of the training process has H_K's moments."""
    model = lifter(num_components=3, num_gmm_samples=600)
    inputs, samples = batch([0])
    with torch.no_grad():
        feats = model.extract_feat(inputs)
        mixtures = torch.stack(
            [s.gt_instance_labels.mixture_labels for s in samples])
        noise = diffpose_head.HypothesisNoise([0], 3000, T, 17)
        joints = model.head.initial(feats, mixtures)
        gmm = model.head.noise_model(joints, noise)
        model.head.start = 'joint'
        exact = model.head.noise_model(joints, noise)
    h_gmm = gmm.center + gmm.colour(noise.normal())
    h_exact = exact.center + exact.colour(noise.normal())
    scale = h_exact.std(1)
    assert ((h_gmm.mean(1) - h_exact.mean(1)).abs() / scale).max() < 0.25
    ratio = h_gmm.std(1)[:, :, 1:] / scale[:, :, 1:]
    assert 0.8 < ratio.min() and ratio.max() < 1.25
