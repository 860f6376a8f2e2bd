# Copyright (c) mmdiffpose contributors. All rights reserved.
import numpy as np
import pytest
import torch
from lifter_factory import (T, batch, lifter, mirrored, mirrored_poses,
                            regressor, sample)


def predict(model, inputs, samples):
    with torch.no_grad():
        # MMPose's own lifter mirrors its inputs in place.
        out = model.eval().predict(inputs.clone(), samples)
    return [s.pred_instances for s in out]


def test_a_frozen_encoder_stays_in_evaluation_mode_and_gets_no_gradient():
    model = lifter().train()
    assert not model.backbone.training and not model.coarse_head.training
    assert model.head.training
    assert not any(p.requires_grad for p in model.backbone.parameters())
    free = lifter()
    free.freeze_context = False
    assert free.train().backbone.training


def test_training_on_an_untrained_encoder_is_refused():
    model = lifter()
    model.context_loaded.fill_(False)
    with pytest.raises(ValueError, match='context_checkpoint'):
        model.loss(*batch([0]))


def test_context_checkpoint_round_trip(tmp_path):
    stage_1 = regressor()
    stage_1.head.set_residual_std(torch.full((17, 3), 0.04))
    path = tmp_path / 'context.pth'
    torch.save(dict(state_dict=stage_1.state_dict()), path)
    model = lifter()
    model.context_loaded.fill_(False)
    for p in model.backbone.parameters():
        torch.nn.init.zeros_(p)
    model.load_context(str(path))
    assert bool(model.context_loaded) and bool(model.coarse_head.calibrated)
    inputs, samples = batch([0, 1])
    with torch.no_grad():
        expected = stage_1.eval().head.regress(stage_1.extract_feat(inputs))
        coarse = model.extract_feat(inputs).coarse
    torch.testing.assert_close(coarse, expected - expected[:, :, :1])


def test_a_foreign_checkpoint_is_an_error_that_names_keys(tmp_path):
    path = tmp_path / 'foreign.pth'
    state = regressor().state_dict()
    state['backbone.embed.weight'] = torch.zeros(99, 2)
    state['backbone.extra'] = torch.zeros(1)
    del state['backbone.spatial_pos']
    torch.save(dict(state_dict=state), path)
    with pytest.raises(ValueError) as error:
        lifter().load_context(str(path))
    for part in ('foreign.pth', 'spatial_pos', 'extra', '(99, 2)'):
        assert part in str(error.value)
    with pytest.raises(FileNotFoundError):
        lifter().load_context(str(tmp_path / 'none.pth'))


@pytest.mark.parametrize('make', [
    lambda: lifter('SinglePassHead', test_cfg=dict(flip_test=True)),
    lambda: regressor(),
])
def test_flip_averaging_commutes_with_the_mirror(make):
    """Exact for deterministic heads: f(mirror(x)) == mirror(f(x))."""
    model = make()
    model.test_cfg = dict(flip_test=True)
    inputs, samples = batch([0, 1])
    direct = predict(model, inputs, samples)
    seen = predict(model, *mirrored(inputs, samples))
    for a, b in zip(direct, seen):
        np.testing.assert_allclose(
            mirrored_poses(torch.from_numpy(a.keypoints)),
            b.keypoints,
            atol=1e-5)
    model.test_cfg = dict()
    assert np.abs(
        predict(model, inputs, samples)[0].keypoints -
        direct[0].keypoints).max() > 1e-4


def test_the_control_head_regresses_in_one_pass():
    model = lifter('SinglePassHead').train()
    inputs, samples = batch([0, 1])
    model.loss(inputs, samples)['loss_pose3d'].backward()
    assert model.head.denoiser.output.linear.weight.grad.abs().sum() > 0
    out = predict(model, inputs, samples)[0]
    assert out.keypoints.shape == (T, 17, 3)
    assert 'hypotheses' not in out


@pytest.mark.parametrize('residual', [True, False])
def test_stacked_networks_each_refine_the_pose_before(residual):
    """Baseline B: untrained refiners change nothing, trained ones do."""
    single = lifter('SinglePassHead', residual=residual)
    stacked = lifter('SinglePassHead', residual=residual, num_stacks=3)
    missing, unexpected = stacked.load_state_dict(
        single.state_dict(), strict=False)
    assert not unexpected and all('refiners' in key for key in missing)
    inputs, samples = batch([0, 1])
    want = predict(single, inputs, samples)[0].keypoints
    np.testing.assert_allclose(
        predict(stacked, inputs, samples)[0].keypoints, want, atol=1e-6)

    first, second = stacked.head.refiners
    for network in (first, second):
        torch.nn.init.normal_(network.output.linear.weight, std=0.05)
    context = stacked.extract_feat(inputs)
    from mmdiffpose.models.heads.parts.base import stack_mixtures
    mixtures = stack_mixtures(samples, inputs)
    head = stacked.head
    projected = head.project(context, head.initial(context, mixtures))
    steps = torch.zeros(2 * T)

    def run(network, poses):
        reference = context.coarse if residual else 0
        return network(
            ((poses - reference) / head.pose_scale).reshape(-1, 1, 17, 3),
            steps, projected.reshape(-1, 1, 17, projected.shape[-1])).reshape(
                2, T, 17, 3) * head.pose_scale

    expected = run(head.denoiser, context.coarse) + (
        context.coarse if residual else 0)
    for network in (first, second):
        expected = expected + run(network, expected)
    torch.testing.assert_close(head.regress(context, mixtures), expected)

    stacked.train().loss(inputs, samples)['loss_pose3d'].backward()
    for network in (head.denoiser, first, second):
        assert network.output.linear.weight.grad.abs().sum() > 0
    with pytest.raises(TypeError, match='num_steps'):
        lifter('SinglePassHead', num_steps=5)
    with pytest.raises(ValueError, match='num_stacks'):
        lifter('SinglePassHead', num_stacks=0)


def test_a_single_target_frame_yields_the_middle_frame():
    """What MMPose's own inferencer asks for."""
    model = lifter(target='sample')
    inputs, data_sample = sample(0, one_target_frame=True)
    whole = predict(model, inputs[None], [sample(0)[1]])[0]
    middle = predict(model, inputs[None], [data_sample])[0]
    assert middle.keypoints.shape == (1, 17, 3)
    np.testing.assert_allclose(
        middle.coarse_keypoints[0], whole.coarse_keypoints[T // 2], atol=1e-5)


def test_a_sample_without_our_labels_says_what_the_pipeline_needs():
    model = lifter()
    inputs, (data_sample, ) = batch([0])
    del data_sample.gt_instance_labels.mixture_labels
    with pytest.raises(ValueError, match='GMMDiffusionPose'):
        model.loss(inputs, [data_sample])


def test_regression_loss_and_std():
    model = regressor(loss=dict(type='mmdiffpose.MixSTELoss')).train()
    inputs, samples = batch([0, 1])
    losses = model.loss(inputs, samples)
    losses['loss_pose3d'].backward()
    assert losses['mpjpe_mm'] > 10
    with pytest.raises(ValueError, match='residual std'):
        model.head.set_residual_std(torch.zeros(17))
    model.head.set_residual_std(torch.full((17, 3), 0.05))
    out = predict(model, inputs, samples)[0]
    np.testing.assert_allclose(out.keypoint_std, 0.05, rtol=1e-5)
    assert 0.9 < out.keypoint_scores.mean() < 1
