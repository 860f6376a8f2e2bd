# Copyright (c) mmdiffpose contributors. All rights reserved.
import numpy as np
import pytest
import torch
from lifter_factory import WIDTH, T, batch, build, encoder_config, mirrored

from mmdiffpose.diffusion.noise import HypothesisNoise, seed_from
from mmdiffpose.models.heads.parts.residual_sampling import MirroredNoise
from mmdiffpose.skeletons import H36M_17


def lifter(trained=True, freeze_context=True, channels=2, **head):
    torch.manual_seed(0)
    model = build(
        dict(
            type='mmdiffpose.DiffusionPoseLifter',
            backbone=dict(encoder_config(), in_channels=channels),
            coarse_head=dict(
                type='mmdiffpose.LiftingRegressionHead', in_channels=WIDTH),
            head={
                'type':
                'mmdiffpose.ResidualDiffusionHead',
                'in_channels':
                WIDTH,
                'diffusion':
                dict(denoiser=dict(type='mmdiffpose.ResidualMLP', width=16)),
                'refine':
                dict(width=16),
                'std':
                dict(width=16),
                **head
            },
            freeze_context=freeze_context))
    model.context_loaded.fill_(True)
    if trained:
        # Output layers start at zero; here they have something to say.
        head = model.head
        for layer in (head.diffusion.denoiser.output, head.std.output):
            torch.nn.init.normal_(layer.weight, std=0.05)
        if head.refine is not None:
            torch.nn.init.normal_(head.refine.output.weight, std=0.05)
    return model.eval()


def predict(model, inputs, samples, **test_cfg):
    model.test_cfg = test_cfg
    with torch.no_grad():
        return [s.pred_instances for s in model.predict(inputs, samples)]


def test_before_training_it_is_the_encoder_with_a_gaussian_around_it():
    """The pose the coarse one, hypotheses 0.1 m around it by clip's seed."""
    model = lifter(trained=False)
    inputs, samples = batch([1, 2])
    out = predict(model, inputs, samples, num_hypotheses=4, recentre=False)[1]
    np.testing.assert_array_equal(out.keypoints.shape, (T, 17, 3))
    white = HypothesisNoise([seed_from(0, 'clip2', 'v0')], 4, 1,
                            17).normal()[0, :, 0].numpy()
    expected = out.coarse_keypoints[:, None] + 0.1 * (white - white[:, :1])
    np.testing.assert_allclose(out.hypotheses, expected, atol=1e-6)
    np.testing.assert_allclose(out.keypoints, expected.mean(axis=1), atol=1e-6)


def test_the_pose_is_the_refined_one_and_hypotheses_are_motions():
    model = lifter()
    inputs, samples = batch([1, 2])
    out = predict(model, inputs, samples)[0]
    assert out.hypotheses.shape == (T, 10, 17, 3)
    with torch.no_grad():
        context = model.extract_feat(inputs)
        mean, _ = model.head.mean_and_std(context)
    np.testing.assert_allclose(out.keypoints, mean[0].numpy(), atol=1e-6)
    assert np.abs(out.keypoints - out.coarse_keypoints).max() > 0.01
    assert (out.hypotheses[:, :, 0] == 0).all()
    offset = out.hypotheses - out.keypoints[:, None]
    still = np.abs(np.diff(offset, axis=0)).mean()
    loose = predict(model, inputs, samples, share_frames=False)[0]
    offset = loose.hypotheses - loose.keypoints[:, None]
    assert still < 0.3 * np.abs(np.diff(offset, axis=0)).mean()


def test_all_but_a_frozen_encoder_is_trained():
    model = lifter().train()
    inputs, samples = batch([0, 1, 2])
    losses = model.loss(inputs, samples)
    assert sorted(losses) == ['loss_diffusion', 'loss_pose3d', 'loss_std']
    sum(losses.values()).backward()
    for name, parameter in model.named_parameters():
        assert (parameter.grad is not None) == name.startswith('head.'), name
    assert int(model.head.iteration) == 1


def test_an_encoder_is_trained_by_its_own_pose_alone():
    model = lifter(freeze_context=False).train()
    inputs, samples = batch([0, 1, 2])
    losses = model.loss(inputs, samples)
    losses.pop('loss_coarse').backward()
    alone = {
        n: p.grad.clone()
        for n, p in model.named_parameters() if p.grad is not None
    }
    assert any(name.startswith('backbone.') for name in alone)
    assert not any(name.startswith('head.') for name in alone)
    sum(losses.values()).backward()
    for name, gradient in alone.items():
        assert torch.equal(dict(model.named_parameters())[name].grad, gradient)


def test_losses_are_of_the_coarse_pose_without_a_refined_one():
    """Std 0.1 m, F = 0: the likelihood and MPJPE by hand."""
    model = lifter(trained=False, refine=None, freeze_context=False)
    inputs, samples = batch([3, 4])
    losses = model.loss(inputs, samples)
    assert sorted(losses) == ['loss_coarse', 'loss_diffusion', 'loss_std']
    with torch.no_grad():
        coarse = model.extract_feat(inputs).coarse
    target = torch.stack(
        [s.gt_instance_labels.lifting_target_label for s in samples])
    error = coarse - target
    assert losses['loss_coarse'].item() == pytest.approx(
        error.norm(dim=-1).mean().item(), rel=1e-5)
    likelihood = np.log(0.1) + (error / 0.1).square().mean().item() / 2
    assert losses['loss_std'].item() == pytest.approx(
        0.1 * likelihood, rel=1e-4)


def test_flips_average_residuals_that_are_alike():
    """A mirrored window has mirrored hypotheses, and both views' mean is no
    narrower than one view's."""
    model = lifter()
    inputs, samples = batch([1, 2])
    once = predict(model, inputs, samples, num_hypotheses=50)
    both = predict(model, inputs, samples, num_hypotheses=50, flip_test=True)
    widths = [
        np.mean([o.hypotheses.std(axis=1).mean() for o in out])
        for out in (once, both)
    ]
    assert widths[1] == pytest.approx(widths[0], rel=0.1)
    other = predict(
        model, *mirrored(inputs, samples), num_hypotheses=50, flip_test=True)
    order = samples[0].metainfo['flip_indices']
    for plain, reflected in zip(both, other):
        np.testing.assert_allclose(
            reflected.keypoints[:, order] * [-1, 1, 1],
            plain.keypoints,
            atol=1e-5)


def test_mirrored_noise():
    """Of hips 1 and 4: the same draw, x negated, and the same component."""
    noise = HypothesisNoise([3], 2, T, 17)
    other = MirroredNoise(HypothesisNoise([3], 2, T, 17), H36M_17.flip_indices)
    plain, reflected = noise.normal(), other.normal()
    torch.testing.assert_close(reflected[..., 4, :],
                               plain[..., 1, :] * torch.tensor([-1., 1., 1.]))
    torch.testing.assert_close(other.uniform()[..., 1],
                               noise.uniform()[..., 4])


def test_the_mixture_start_has_the_mixtures_modes():
    """F = 0: z = cos u + sin e, with u of a mixture in the image and of the
    predicted std in depth; its moments, from H_K's."""
    model = lifter(trained=False, start='mixture')
    inputs, samples = batch([1])
    model.head.diffusion.noise = 'white'
    with torch.no_grad():
        context = model.extract_feat(inputs)
        mean, std = model.head.mean_and_std(context)
        mixtures = model.head.mixtures(samples, context)
        context = model.head.prepare(context)
        joints = model.head.initial(context, mixtures)
        poses = model.head.reverse(
            context, mixtures, HypothesisNoise([0], 4000, T, 17),
            dict(model.head.test_defaults, recentre=False, sigma_max=0.75),
            None)
    true_mean, true_std = joints.moments()
    # tan = 3/4: cos = 4/5, sin = 3/5.
    expected = mean + 0.8 * (true_mean - mean)
    spread = ((0.8 * true_std)**2 + (0.6 * std)**2).sqrt()
    torch.testing.assert_close(poses.mean(dim=1), expected, atol=0.012, rtol=0)
    torch.testing.assert_close(poses.std(dim=1), spread, atol=0.01, rtol=0.05)
    # Its parts: in the image around the pose, in depth the predicted std.
    torch.testing.assert_close(true_mean, mean)
    torch.testing.assert_close(true_std[:, :, 1:, 2],
                               torch.full((1, T, 16), 0.1))


def test_one_hypothesis_is_the_pose_with_the_predicted_std():
    model = lifter()
    inputs, samples = batch([1])
    out = predict(model, inputs, samples, num_hypotheses=1)[0]
    np.testing.assert_allclose(out.hypotheses[:, 0], out.keypoints, atol=1e-6)
    with torch.no_grad():
        _, std = model.head.mean_and_std(model.extract_feat(inputs))
    expected = std[0].square().mean(dim=-1).sqrt().numpy()
    np.testing.assert_allclose(out.keypoint_std, expected, rtol=1e-5)


def test_the_mask_reaches_all_three_networks():
    """It changes the pose, the std and the residual."""
    model = lifter()
    inputs, _ = batch([1])
    with torch.no_grad():
        context = model.extract_feat(inputs)._replace(
            seen=torch.ones(1, T, 17))
        hidden = context.seen.clone()
        hidden[:, :, 5] = 0
        parts = []
        for seen in (context.seen, hidden):
            view = context._replace(seen=seen)
            mean, std = model.head.mean_and_std(view)
            poses = model.head.diffusion.sample(
                view.features, context.coarse,
                torch.full_like(context.coarse, 0.1),
                HypothesisNoise([0], 2, 1, 17).normal(), seen)
            parts.append((mean, std, poses))
    for one, other in zip(*parts):
        assert not torch.allclose(one, other)


def test_the_mask_is_the_inputs_third_channel():
    model = lifter(channels=3)
    inputs, samples = batch([1])
    mask = (torch.arange(17) % 3 > 0).float().expand(1, T, 17)
    context = model.extract_feat(torch.cat([inputs, mask[..., None]], dim=-1))
    assert torch.equal(context.seen, mask)
    assert lifter().extract_feat(inputs).seen is None


def test_wrong_options_are_named():
    with pytest.raises(ValueError, match='start'):
        lifter(start='heatmap')
    model = lifter()
    inputs, samples = batch([1])
    with pytest.raises(ValueError, match='num_steps'):
        predict(model, inputs, samples, num_steps=3)
    with pytest.raises(ValueError, match='one of'):
        predict(model, inputs, samples, sampler='ddim')


def test_std_is_the_predicted_one_times_the_spread():
    model = lifter()
    inputs, samples = batch([1, 2])
    with torch.no_grad():
        _, std = model.head.mean_and_std(model.extract_feat(inputs))
    out = predict(model, inputs, samples, spread=2.)[1]
    np.testing.assert_allclose(
        out.keypoint_std_xyz, 2 * std[1].numpy(), rtol=1e-5)
    np.testing.assert_allclose(
        out.keypoint_std, 2 * std[1].square().mean(-1).sqrt(), rtol=1e-5)


@pytest.mark.parametrize('iteration,frames', [(0, [0, 2, 4]), (1, [1, 3]),
                                              (2, [0, 2, 4])])
def test_stride_takes_frames_by_turns(iteration, frames, monkeypatch):
    model = lifter(diffusion_stride=2, diffusion_weight=0.25)
    model.head.iteration.fill_(iteration)
    inputs, samples = batch([1, 2])
    seen = {}

    def loss(features, mean, std, target, weight, mask, noise):
        seen.update(target=target, noise=noise)
        return torch.tensor(8.)

    monkeypatch.setattr(model.head.diffusion, 'loss', loss)
    losses = model.loss(inputs, samples)
    assert losses['loss_diffusion'] == 2
    targets, _ = model.head.targets(samples, inputs)
    torch.testing.assert_close(seen['target'], targets[:, frames])
    assert seen['noise'].shape[2] == len(frames)
