# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The training loss against Eq. 9, written out over N and K."""
import math

import pytest
import torch
from lifter_factory import T, batch, lifter

from mmdiffpose.diffusion.noise import HypothesisNoise

K, N = 5, 2


def loss_of(model, inputs, samples):
    model.head.iteration.zero_()
    with torch.no_grad():
        return model.loss(inputs, samples)['loss_diffusion'].item()


def record(model, monkeypatch):
    """Keep what the head's forward process is asked for."""
    calls = []
    diffuse = model.head.process.diffuse

    def spy(h0, k, noise, center=0.):
        calls.append((k, noise, center))
        return diffuse(h0, k, noise, center)

    monkeypatch.setattr(model.head.process, 'diffuse', spy)
    return calls


@pytest.mark.parametrize('target', ['previous', 'sample', 'epsilon'])
def test_the_full_loss_is_the_double_sum_of_eq_9(target, monkeypatch):
    """Sum over i = 1..N and k = 1..K of the squared error, as their mean."""
    model = lifter(
        num_steps=K,
        target=target,
        train_steps='all',
        num_train_hypotheses=N,
        num_components=3)
    inputs, samples = batch([0, 1])
    calls = record(model, monkeypatch)
    loss = loss_of(model, inputs, samples)
    epsilon, center = calls[0][1], calls[0][2].expand(2, N, T, 17, 3)

    head, alphas = model.head, model.head.process.alphas
    with torch.no_grad():
        feats = model.extract_feat(inputs)
        mixtures = torch.stack(
            [s.gt_instance_labels.mixture_labels for s in samples])
        context = head.project(feats, head.initial(feats, mixtures))
    h0 = torch.stack(
        [s.gt_instance_labels.lifting_target_label for s in samples])
    total = 0.
    for i in range(N):
        mu, e = center[:, i], epsilon[:, i]

        def diffused(k):
            a = float(alphas[k])
            return mu + math.sqrt(a) * (h0 - mu) + math.sqrt(1 - a) * e

        for k in range(1, K + 1):
            with torch.no_grad():
                steps = torch.full((2, 1, T), k)
                g = head.denoise(
                    diffused(k)[:, None], steps, context, feats.coarse)[:, 0]
            wanted = dict(previous=diffused(k - 1), sample=h0, epsilon=e)
            total += (g - wanted[target]).square().sum(-1).mean().item()
    assert loss == pytest.approx(total / (N * K), rel=1e-4)


@pytest.mark.parametrize('target', ['previous', 'sample', 'epsilon'])
def test_the_drawn_loss_has_the_full_sum_as_its_expectation(
        target, monkeypatch):
    """Exactly: each step is drawn with 1 / K, and the noise is the same."""
    inputs, samples = batch([0, 1])
    common = dict(
        num_steps=K, target=target, num_train_hypotheses=N, num_components=3)
    full = loss_of(lifter(train_steps='all', **common), inputs, samples)
    uniform = HypothesisNoise.uniform

    def expectation(model):
        """Mean over K equal strata of the number that chooses the step."""
        mean = 0.
        for k in range(K):

            def in_stratum(self, k=k):
                value = uniform(self)
                # The noise model draws the component; then come the steps.
                self.drawn = getattr(self, 'drawn', 0) + 1
                if self.batch_shape == (2, N) and self.drawn == 2:
                    return (k + value) / K
                return value

            monkeypatch.setattr(HypothesisNoise, 'uniform', in_stratum)
            mean += loss_of(model, inputs, samples) / K
            monkeypatch.undo()
        return mean

    drawn = lifter(train_steps=1, **common)
    assert expectation(drawn) == pytest.approx(full, rel=1e-4)
    # The test can tell: other probabilities of the steps are a bias.
    biased = lifter(train_steps=1, step_exponent=0.2, **common)
    assert abs(expectation(biased) / full - 1) > 0.003


@pytest.mark.parametrize('start', ['gmm', 'joint'])
def test_a_component_is_kept_for_all_steps(start, monkeypatch):
    model = lifter(
        num_steps=K,
        start=start,
        target='sample',
        train_steps='all',
        num_train_hypotheses=8,
        num_components=3)
    calls = record(model, monkeypatch)
    loss_of(model, *batch([0]))
    assert [int(k.unique()) for k, _, _ in calls] == list(range(1, K + 1))
    for _, noise, center in calls[1:]:
        torch.testing.assert_close(noise, calls[0][1], rtol=0, atol=0)
        torch.testing.assert_close(center, calls[0][2], rtol=0, atol=0)
    # Hypotheses differ from each other, in components and noise.
    center = calls[0][2].expand(1, 8, T, 17, 3)
    assert len(calls[0][1][0].flatten(1).unique(dim=0)) == 8
    if start == 'gmm':
        assert 1 < len(center[0, :, 0].flatten(1).unique(dim=0)) <= 3


def test_the_sampler_keeps_each_hypothesis_component(monkeypatch):
    model = lifter(target='sample', num_components=3)
    seen = []
    to_noise = model.head.process.to_noise

    def spy(h0, h_k, k, center=0.):
        seen.append(center)
        return to_noise(h0, h_k, k, center)

    monkeypatch.setattr(model.head.process, 'to_noise', spy)
    inputs, samples = batch([0])
    model.test_cfg = dict(num_hypotheses=4)
    with torch.no_grad():
        model.predict(inputs, samples)
    assert len(seen) == 5
    for center in seen[1:]:
        torch.testing.assert_close(center, seen[0], rtol=0, atol=0)


def test_a_perfect_denoiser_gives_the_pose_from_every_start(monkeypatch):
    """All N hypotheses, by DDPM with K = 50 and DDIM with 5 steps."""
    model = lifter(target='sample', num_components=3)
    inputs, samples = batch([0])
    h0 = samples[0].gt_instance_labels.lifting_target_label
    monkeypatch.setattr(
        model.head, 'bind', lambda *_:
        (lambda poses, k: h0[None, None].expand_as(poses)))
    for options in (dict(sampler='ddpm'), dict(num_sampling_steps=5)):
        model.test_cfg = dict(num_hypotheses=3, **options)
        with torch.no_grad():
            out = model.predict(inputs, samples)[0].pred_instances
        expected = h0[:, None].expand(-1, 3, -1, -1)
        torch.testing.assert_close(
            torch.from_numpy(out.hypotheses), expected, atol=1e-4, rtol=0)
