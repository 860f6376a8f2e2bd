# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What every registered lifting head has to do, whatever is inside it."""
from copy import deepcopy

import numpy as np
import pytest
import torch
from head_cases import (CASES, HEADS, case_type, is_stage_one, make, predict,
                        samples_hypotheses)
from lifter_factory import MIRROR_ORDER, T, batch, mirrored
from mmengine.structures import InstanceData
from mmpose.structures import PoseDataSample
from scipy.stats import chi

from mmdiffpose.codecs import GMMDiffusionPose
from mmdiffpose.diffusion.flow_samplers import FLOW_SAMPLERS
from mmdiffpose.diffusion.sampling import SAMPLERS
from mmdiffpose.registry import MODELS

SAMPLING = [case for case in CASES if samples_hypotheses(case)]
RESIDUAL = [case for case in CASES if CASES[case].get('residual')]
BY_NAME = [(case, sampler) for case in SAMPLING for sampler in SAMPLERS
           if 'sampler' in MODELS.get(case_type(case)).test_defaults and (
               case not in RESIDUAL or sampler in FLOW_SAMPLERS)]
LIFTERS = [case for case in CASES if not is_stage_one(case)]

each = pytest.mark.parametrize('case', CASES)
each_sampling = pytest.mark.parametrize('case', SAMPLING)
each_lifter = pytest.mark.parametrize('case', LIFTERS)


def total(losses):
    return sum(value for name, value in losses.items() if 'loss' in name)


def many(case, number=3):
    """Options that ask for several hypotheses, where there are any."""
    return dict(num_hypotheses=number) if case in SAMPLING else {}


def test_every_registered_head_is_tested():
    assert set(HEADS) == {case_type(case) for case in CASES}


@each
def test_a_prediction_has_its_fields_in_metres(case):
    model = make(case)
    inputs, samples = batch([0, 1])
    out = predict(model, inputs, samples, **many(case))[1]
    assert out.keypoints.shape == (T, 17, 3)
    assert np.isfinite(out.keypoints).all()
    assert (out.keypoints[:, 0] == 0).all()
    assert np.abs(out.keypoints).max() > 1e-3
    assert out.keypoint_std.shape == out.keypoint_scores.shape == (T, 17)
    # The chance that the error, Gaussian along each axis, is below 15 cm.
    std = np.maximum(out.keypoint_std, 1e-6)
    np.testing.assert_allclose(
        out.keypoint_scores, chi.cdf(0.15 / std, 3), atol=1e-5)
    assert out.keypoint_std_xyz.shape == (T, 17, 3)
    np.testing.assert_allclose(
        np.sqrt((out.keypoint_std_xyz**2).mean(-1)),
        out.keypoint_std,
        rtol=1e-4,
        atol=1e-7)
    assert ('hypotheses' in out) == (case in SAMPLING)
    if case in SAMPLING:
        assert out.hypotheses.shape == (T, 3, 17, 3)
        assert (out.hypotheses[:, :, 0] == 0).all()
    assert ('coarse_keypoints' in out) == bool(CASES[case].get('coarse'))
    for name, value in out.items():
        assert isinstance(value, np.ndarray), name
        assert len(value) == T, name


@pytest.mark.parametrize('case', [
    case for case in CASES
    if case not in RESIDUAL and case_type(case) != 'RefiningHead'
])
def test_one_pose_has_the_std_that_was_measured(case):
    """Per axis: the root of the mean of 3, 4 and 12 cm, each squared."""
    model = make(case)
    if case.startswith('DiffHPEHead') and not CASES[case].get('coarse'):
        # There is no encoder that could be measured.
        expected, axes = 0.1, [0.1, 0.1, 0.1]
    else:
        expected, axes = 0.07505553499465134, [0.03, 0.04, 0.12]
        for module in model.modules():
            if hasattr(module, 'set_residual_std'):
                module.set_residual_std(
                    torch.tensor([[0.03, 0.04, 0.12]]).repeat(17, 1))
    for flip in (False, True):
        out = predict(
            model, *batch([0]), flip_test=flip, **many(case, number=1))[0]
        np.testing.assert_allclose(out.keypoint_std, expected, rtol=1e-5)
        np.testing.assert_allclose(
            out.keypoint_std_xyz, np.broadcast_to(axes, (T, 17, 3)), rtol=1e-5)


@each
def test_a_window_is_on_its_own(case):
    """Whatever the batch, its order, and the number of hypotheses."""
    model = make(case)
    inputs, samples = batch([0, 1, 2])
    if case in RESIDUAL:
        # Moved to the refined pose, hypotheses depend on their number.
        model.test_cfg = dict(recentre=False)
    whole = predict(model, inputs, samples, **many(case, 4))
    order = [2, 0, 1]
    moved = predict(model, inputs[order], [samples[i] for i in order],
                    **many(case, 4))
    alone, = predict(model, inputs[1:2], samples[1:2], **many(case, 2))
    scale = max(1, np.abs(whole[1].keypoints).max())
    for i, out in zip(order, moved):
        np.testing.assert_allclose(
            out.keypoints, whole[i].keypoints, atol=1e-4 * scale)
    if case not in SAMPLING:
        np.testing.assert_allclose(
            alone.keypoints, whole[1].keypoints, atol=1e-4 * scale)
        return
    np.testing.assert_allclose(
        alone.hypotheses, whole[1].hypotheses[:, :2], atol=1e-3 * scale)
    pairs = whole[1].hypotheses[:, :, None] - whole[1].hypotheses[:, None]
    apart = np.linalg.norm(pairs, axis=-1)[:, ~np.eye(4, dtype=bool), 1:]
    assert apart.min() > 0
    if case in RESIDUAL:
        return  # its std is the predicted one
    spread = np.sqrt(whole[1].hypotheses.var(1, ddof=1).mean(-1))
    np.testing.assert_allclose(whole[1].keypoint_std, spread, atol=1e-4)


@each_sampling
def test_seed_clip_and_camera_say_which_noise(case):
    model = make(case)
    inputs, samples = batch([0])
    first = predict(model, inputs, samples, **many(case))[0].hypotheses
    again = predict(model, inputs, samples, **many(case))[0].hypotheses
    assert np.array_equal(first, again)

    def moved(**meta):
        options = many(case)
        if 'seed' in meta:
            options['seed'] = meta.pop('seed')
        changed = deepcopy(samples[0])
        changed.set_metainfo(meta)
        out = predict(model, inputs, [changed], **options)[0].hypotheses
        return np.abs(out - first).max()

    for other in (dict(seed=1), dict(clip='other'), dict(camera='v1')):
        assert moved(**other) > 1e-6
    # Another window of the same clip, seen by the same camera, has the same.
    assert moved(id=7) == 0
    with pytest.raises(ValueError, match='num_hypotesis'):
        predict(model, inputs, samples, num_hypotesis=3)


@each
def test_nothing_is_left_over(case):
    model = make(case)
    inputs, samples = batch([0, 1])
    before = {key: v.clone() for key, v in model.state_dict().items()}
    labels = {
        key: value.clone()
        for key, value in samples[0].gt_instance_labels.items()
    }
    given = inputs.clone()
    first = predict(model, inputs, samples, **many(case))[0]
    with torch.no_grad():
        if case_type(case) not in ('ManyToOneRegressionHead',
                                   'PoseFeatureHead'):
            model.loss(inputs, samples)
    again = predict(model, inputs, samples, **many(case))[0]
    for name, value in first.items():
        assert np.array_equal(again[name], value), name
    assert torch.equal(inputs, given)
    for key, value in labels.items():
        assert torch.equal(samples[0].gt_instance_labels[key], value), key
    for key, value in model.state_dict().items():
        if key != 'head.iteration':
            assert torch.equal(value, before[key]), key


@each
def test_gradients_change_no_prediction(case):
    model = make(case)
    inputs, samples = batch([0])
    without, = predict(model, inputs, samples, **many(case))
    model.test_cfg = {**model.test_cfg, **many(case)}
    feats = model.extract_feat(inputs)
    estimate = model.head.estimate(feats, samples, model.test_cfg)
    np.testing.assert_allclose(
        estimate.poses[0].detach(), without.keypoints, atol=1e-5)


@each
def test_the_loss_reaches_every_weight_of_the_head(case):
    model = make(case).train()
    inputs, samples = batch([0, 1, 2])
    losses = model.loss(inputs, samples)
    loss = total(losses)
    assert loss.ndim == 0 and loss.isfinite() and loss > 0
    loss.backward()
    for name, parameter in model.head.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
    trained = model.backbone.parameters()
    assert all((p.grad is not None) == is_stage_one(case) for p in trained)


@each_sampling
def test_training_noise_belongs_to_a_window_and_an_iteration(case):
    model = make(case)
    inputs, samples = batch([3, 4, 5, 6])

    def loss_of(rows):
        model.head.iteration.zero_()
        with torch.no_grad():
            return total(model.loss(inputs[rows], samples[rows]))

    whole = loss_of(slice(0, 4))
    assert int(model.head.iteration) == 1
    if case_type(case) != 'ReleasedDiffPoseHead':  # it pairs a batch's steps
        halves = [loss_of(slice(0, 2)), loss_of(slice(2, 4))]
        torch.testing.assert_close(sum(halves) / 2, whole, rtol=1e-3, atol=0)
    assert loss_of(slice(0, 4)) == whole
    with torch.no_grad():
        assert total(model.loss(inputs, samples)) != whole
    resumed = make(case)
    resumed.load_state_dict(model.state_dict())
    with torch.no_grad():
        assert total(resumed.loss(inputs, samples)) == total(
            model.loss(inputs, samples))


@each
def test_flips_average_both_views(case):
    """Mirrored by hand: inputs, targets, mixtures, and what comes back."""
    model = make(case)
    inputs, samples = batch([0, 1])
    plain = predict(model, inputs, samples, **many(case))
    other = predict(model, *mirrored(inputs, samples), **many(case))
    both = predict(model, inputs, samples, flip_test=True, **many(case))
    names = ['keypoints', 'hypotheses', 'coarse_keypoints']
    if case_type(case) == 'ReleasedDiffPoseHead':
        names = names[2:]  # it refines the encoder's average
    if case in RESIDUAL:
        names.remove('hypotheses')  # their noise is mirrored, too
    for a, b, out in zip(plain, other, both):
        for name in set(names) & set(out.keys()):
            back = b[name][..., MIRROR_ORDER, :] * np.array([-1, 1, 1])
            scale = max(1, np.abs(a[name]).max())
            assert np.abs(back - a[name]).max() > 1e-3
            np.testing.assert_allclose(
                out[name], (a[name] + back) / 2,
                atol=1e-4 * scale,
                err_msg=name)


@each_lifter
def test_mode_tensor_is_the_prediction_alone(case):
    model = make(case)
    inputs, samples = batch([0, 1, 2])
    for flip in (False, True):
        model.test_cfg = {**model.test_cfg, 'flip_test': flip, **many(case)}
        expected = np.stack(
            [p.keypoints for p in predict(model, inputs, samples)])
        with torch.no_grad():
            poses = model(inputs, samples, mode='tensor')
        np.testing.assert_allclose(poses, expected, atol=1e-6)
        with torch.no_grad():
            bare = model(inputs)
            parts = torch.cat([model(inputs[i:i + 1]) for i in range(3)])
        scale = max(1, float(bare.abs().max()))
        torch.testing.assert_close(parts, bare, rtol=0, atol=1e-4 * scale)
        # What it does of keypoints that are all sure, in one nameless clip.
        sure = [plain_sample(points) for points in inputs]
        expected = [p.keypoints for p in predict(model, inputs, sure)]
        np.testing.assert_allclose(bare, np.stack(expected), atol=1e-4 * scale)


@pytest.mark.parametrize('case, record',
                         [('DiffPoseHead', 'trace'),
                          ('DiffHPEHead, light residual', 'trace'),
                          ('DiffHPEHead, light residual', 'export')])
def test_a_recorded_graph_gives_other_windows_poses(case, record):
    model = make(case)
    inputs, others = batch([0, 1])[0], batch([5, 6])[0]
    with torch.no_grad():
        if case == 'DiffPoseHead':
            with pytest.raises(RuntimeError, match='run the model once'):
                torch.jit.trace(model, inputs, check_trace=False)
        expected = model(others)
        if record == 'trace':
            graph = torch.jit.trace(model, inputs, check_trace=False)
        else:
            graph = torch.export.export(model, (inputs, )).module()
        torch.testing.assert_close(
            graph(others), expected, rtol=1e-5, atol=1e-5)


def plain_sample(points):
    """A sample as the codec makes it of 2D joints with scores of 1."""
    size = dict(w=1000, h=1000)
    codec = GMMDiffusionPose()
    encoded = codec.encode((points.numpy() + 1) * 500, camera_param=size)
    np.testing.assert_allclose(encoded['keypoint_labels'], points, atol=1e-5)
    sample = PoseDataSample(metainfo=dict(flip_indices=MIRROR_ORDER))
    sample.gt_instance_labels = InstanceData(
        mixture_labels=torch.from_numpy(encoded['mixture_labels']))
    return sample


@each
def test_it_works_in_double_precision(case):
    model = make(case)
    inputs, samples = batch([0, 1])
    expected = predict(model, inputs, samples, **many(case))[0]
    model.double()
    out = predict(model, inputs.double(), samples, **many(case))[0]
    assert out.keypoints.dtype == np.float64
    scale = max(1, np.abs(expected.keypoints).max())
    np.testing.assert_allclose(
        out.keypoints, expected.keypoints, atol=2e-3 * scale)
    loss = total(model.train().loss(inputs.double(), samples))
    assert loss.dtype == torch.float64 and loss.isfinite()


@each
def test_a_step_reads_no_number_from_the_device(case):
    """On the meta device ``int(tensor)``, ``bool(tensor)``, ``.cpu()`` and
    mixed devices raise; on a GPU they would wait, or raise."""
    model = make(case).train()
    inputs, samples = batch([0, 1])
    model.loss(inputs, samples)  # reads once what checkpoints may change
    model.to('meta')
    inputs = inputs.to('meta')
    for _ in range(2):
        total(model.loss(inputs, samples)).backward()
    assert all(p.grad is not None for p in model.head.parameters())
    model.eval()
    options = {**model.test_cfg, **many(case)}
    feats = model.extract_feat(inputs)
    views = feats if is_stage_one(case) else [feats, feats]
    estimate = model.head.estimate(views, samples, options)
    assert estimate.poses.is_meta
    assert estimate.poses.shape == (2, T, 17, 3)
    assert estimate.std.shape == (2, T, 17)


@pytest.mark.parametrize('case, sampler', BY_NAME)
def test_samplers_by_name_read_no_number_either(case, sampler):
    model = make(case)
    inputs, samples = batch([0, 1])
    options = dict(num_hypotheses=2, sampler=sampler, num_sampling_steps=3)
    out = predict(model, inputs, samples, **options)[0]
    assert np.isfinite(out.hypotheses).all()
    feats = model.to('meta').extract_feat(inputs.to('meta'))
    estimate = model.head.estimate(feats, samples, options)
    assert estimate.hypotheses.shape == (2, 2, T, 17, 3)


@each
def test_weights_of_one_are_another_s(case):
    model = make(case)
    inputs, samples = batch([0])
    expected = predict(model, inputs, samples, **many(case))[0].keypoints
    torch.manual_seed(5)
    other = make(case)
    for parameter in other.parameters():
        parameter.data.normal_()
    assert not other.load_state_dict(model.state_dict(), strict=True)[0]
    again = predict(other, inputs, samples, **many(case))[0].keypoints
    assert np.array_equal(again, expected)
