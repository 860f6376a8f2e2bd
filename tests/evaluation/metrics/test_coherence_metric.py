# Copyright (c) mmdiffpose contributors. All rights reserved.
import numpy as np
import pytest

from mmdiffpose.evaluation.functional import (acceleration_error,
                                              centre_on_root, mpjve,
                                              segment_lengths, segment_std,
                                              symmetry_gap)
from mmdiffpose.evaluation.metrics import CoherenceMetric


def noisy(sample, seed):
    """Add noise to the prediction, that of a joint being its own."""
    generator = np.random.default_rng(seed)
    pred = sample['pred_instances']['keypoints']
    pred += generator.normal(scale=0.01, size=pred.shape).astype(np.float32)
    return sample


def poses_mm(samples):
    pred = np.concatenate([s['pred_instances']['keypoints'] for s in samples])
    gt = np.concatenate([s['gt_instances']['lifting_target'] for s in samples])
    return (1000 * centre_on_root(pred.astype(float)),
            1000 * centre_on_root(gt.astype(float)))


def windows(make_sample, number=4, **kwargs):
    return [noisy(make_sample(6 * i, **kwargs), seed=i) for i in range(number)]


@pytest.mark.parametrize('mode', ['paper', 'official'])
def test_windows_are_put_together_in_any_order(make_sample, evaluate, mode):
    samples = windows(make_sample)
    pred, gt = poses_mm(samples)
    lengths = segment_lengths(pred, mode)
    metric = CoherenceMetric(mode=mode, sequence_length=10)
    for order in ([0, 1, 2, 3], [2, 0, 3, 1]):
        log = evaluate(metric, [samples[i] for i in order], batch_size=3)
        assert log['MPJVE_mm'] == pytest.approx(mpjve(pred, gt), rel=1e-5)
        assert log['acceleration_error_mm'] == pytest.approx(
            acceleration_error(pred, gt), rel=1e-5)
        assert log['symmetry_gap_mm'] == pytest.approx(
            symmetry_gap(lengths).mean(), rel=1e-5)
        # 24 frames are two sequences of 10, and a rest that is left out.
        assert log['segment_std_mm'] == pytest.approx(
            segment_std(lengths[:20].reshape(2, 10, 16), mode).mean(),
            rel=1e-5)


def test_missing_window_leaves_a_gap(make_sample, evaluate):
    samples = windows(make_sample)
    log = evaluate(CoherenceMetric(), [samples[i] for i in (3, 0)])
    apart = [poses_mm([samples[i]]) for i in (0, 3)]
    assert log['MPJVE_mm'] == pytest.approx(
        np.mean([mpjve(*poses) for poses in apart]), rel=1e-5)


def test_unscored_frames_leave_a_gap_and_overlap_none(make_sample, evaluate):
    samples = windows(make_sample)
    expected = evaluate(CoherenceMetric(), samples)
    # A window that repeats the end of the video marks what it repeats.
    extra = noisy(make_sample(20, 8), seed=9)
    extra['gt_instances']['valid_frames'][:4] = False
    full = evaluate(CoherenceMetric(), samples + [extra])
    assert full['MPJVE_mm'] != expected['MPJVE_mm']
    extra['gt_instances']['valid_frames'][:] = False
    assert evaluate(CoherenceMetric(), samples + [extra]) == expected


def test_frame_based_models_have_velocities_too(make_sample, evaluate):
    samples = [noisy(make_sample(i, 1), seed=i) for i in range(12)]
    pred, gt = poses_mm(samples)
    log = evaluate(CoherenceMetric(), samples, batch_size=5)
    assert log['MPJVE_mm'] == pytest.approx(mpjve(pred, gt), rel=1e-5)
    assert np.isnan(log['segment_std_mm'])


def test_videos_are_kept_apart(make_sample, evaluate):
    samples = [
        noisy(make_sample(0, action='A', clip='A 1'), 0),
        noisy(make_sample(6, action='B', clip='B 1'), 1)
    ]
    log = evaluate(
        CoherenceMetric(sequence_length=None, log_actions=True), samples)
    for action, sample in zip('AB', samples):
        assert log[f'MPJVE_mm/{action}'] == pytest.approx(
            mpjve(*poses_mm([sample])), rel=1e-5)


def test_actions_count_alike_in_the_action_mean(make_sample, evaluate):
    """DiffHPE's tables average within an action, then over actions."""
    samples = [
        noisy(make_sample(6 * i, action='A', clip='A 1'), i) for i in range(3)
    ] + [noisy(make_sample(0, action='B', clip='B 1'), 3)]
    for sample in samples[:3]:
        sample['pred_instances']['keypoints'] *= 1.5
    log = evaluate(
        CoherenceMetric(sequence_length=6, log_actions=True), samples)
    for name in ('symmetry_gap_mm', 'segment_std_mm'):
        a, b = log[f'{name}/A'], log[f'{name}/B']
        assert log[f'{name}/action_mean'] == pytest.approx((a + b) / 2)
        assert log[name] == pytest.approx((3 * a + b) / 4)


def test_strided_frames(make_sample, evaluate):
    samples = windows(make_sample)
    plain = evaluate(CoherenceMetric(), samples)
    for sample in samples:
        sample['frame_ids'] = 5 * sample['frame_ids']
    assert evaluate(CoherenceMetric(), samples) == plain
    assert evaluate(CoherenceMetric(frame_step=5), samples) == plain
    assert np.isnan(
        evaluate(CoherenceMetric(frame_step=1), samples)['MPJVE_mm'])


def test_rigid_error_is_smooth(make_sample, evaluate):
    log = evaluate(CoherenceMetric(), [make_sample(0), make_sample(6)])
    assert log['MPJVE_mm'] == pytest.approx(0, abs=1e-3)
    assert log['acceleration_error_mm'] == pytest.approx(0, abs=1e-3)


def test_context_encoder_is_reported_beside(make_sample, evaluate):
    samples = windows(make_sample)
    for sample in samples:
        instances = sample['pred_instances']
        instances['coarse_keypoints'] = 2 * instances['keypoints']
    log = evaluate(CoherenceMetric(sequence_length=12), samples)
    for name in ('symmetry_gap_mm', 'segment_std_mm'):
        assert log[f'context/{name}'] == pytest.approx(2 * log[name], rel=1e-5)
    assert log['context/MPJVE_mm'] > log['MPJVE_mm']


def test_bad_settings_and_samples(make_sample, evaluate):
    for settings in (dict(mode='released'), dict(sequence_length=1),
                     dict(frame_step=0), dict(allow_repeated_frames=True)):
        with pytest.raises(ValueError, match=next(iter(settings))):
            CoherenceMetric(**settings)
    sample = make_sample()
    with pytest.raises(ValueError, match='more than once'):
        evaluate(CoherenceMetric(), [sample, sample])
    del sample['frame_ids']
    with pytest.raises(ValueError, match='frame_ids'):
        evaluate(CoherenceMetric(), [sample])
