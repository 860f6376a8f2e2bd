# Copyright (c) mmdiffpose contributors. All rights reserved.
import json

import numpy as np
import pytest

from mmdiffpose.evaluation.functional import (cgnf_calibration_error,
                                              crps_gaussian, energy_score,
                                              samples_nearer)
from mmdiffpose.evaluation.metrics import UncertaintyMetric


def calibrated(sample, seed, factor=1.):
    """Errors drawn with the predicted standard deviation over a factor."""
    generator = np.random.default_rng(seed)
    target = sample['gt_instances']['lifting_target']
    std = generator.gamma(4, 0.005, size=target.shape[:2])
    residual = std[..., None] * generator.normal(size=target.shape)
    # The root's own error would move all the others.
    residual[:, 0] = 0
    pred = target - target[:, :1] + residual
    sample['pred_instances'].update(keypoints=pred, keypoint_std=factor * std)
    return sample


@pytest.mark.parametrize('region', ['axis', 'ball'])
def test_calibrated_model(make_sample, evaluate, region):
    samples = [calibrated(make_sample(0, 400), 0)]
    log = evaluate(UncertaintyMetric(region=region), samples)
    assert log['uncertainty/std_mm'] == pytest.approx(20, rel=0.02)
    for level in (0.5, 0.9, 0.95):
        assert log[f'uncertainty/coverage@{level}'] == pytest.approx(
            level, abs=0.02)
    assert log['uncertainty/ECE'] < 0.01
    timid = [calibrated(make_sample(0, 400), 0, factor=3)]
    worse = evaluate(UncertaintyMetric(region=region), timid)
    assert worse['uncertainty/ECE'] > 0.2
    assert worse['uncertainty/CRPS_gaussian_mm'] > log[
        'uncertainty/CRPS_gaussian_mm']
    # Ranking doesn't depend on the scale.
    assert worse['uncertainty/AUSE_mm'] == pytest.approx(
        log['uncertainty/AUSE_mm'])


def test_against_the_functions(make_sample, evaluate):
    samples = [make_sample(0), make_sample(6)]
    log = evaluate(UncertaintyMetric(fair=True), samples, batch_size=1)
    energy, pose, crps = [], [], []
    for sample in samples:
        target = 1000 * sample['gt_instances']['lifting_target'].astype(float)
        gt = (target - target[:, :1])[:, 1:]
        instances = sample['pred_instances']
        samples_mm = 1000 * instances['hypotheses'][:, :, 1:].astype(float)
        energy.append(energy_score(samples_mm.swapaxes(1, 2), gt, fair=True))
        pose.append(
            energy_score(
                samples_mm.reshape(6, 4, 48), gt.reshape(6, 48), fair=True))
        crps.append(
            crps_gaussian(1000 * instances['keypoints'][:, 1:].astype(float),
                          np.array(30.), gt))
    assert log['uncertainty/energy_score_mm'] == pytest.approx(
        np.mean(energy), rel=1e-5)
    assert log['uncertainty/energy_score_pose_mm'] == pytest.approx(
        np.mean(pose), rel=1e-5)
    assert log['uncertainty/CRPS_gaussian_mm'] == pytest.approx(
        np.mean(crps), rel=1e-5)
    assert 0 < log['uncertainty/CRPS_mm'] < log['uncertainty/energy_score_mm']
    nearer = []
    for sample in samples:
        target = sample['gt_instances']['lifting_target']
        nearer.append(
            samples_nearer(
                sample['pred_instances']['hypotheses'].swapaxes(1, 2),
                target - target[:, :1])[:, 1:])
    assert log['uncertainty/cGNF_ECE'] == pytest.approx(
        cgnf_calibration_error(np.concatenate(nearer)))


def test_root_is_left_out(make_sample, evaluate):
    sample = make_sample(offset=(0.1, 0.1, 0.1))
    # The root alone is covered: it doesn't count.
    assert evaluate(UncertaintyMetric(),
                    [sample])['uncertainty/coverage@0.9'] == 0
    sample['pred_instances']['keypoints'] += sample['gt_instances'][
        'lifting_target'][:, :1]
    unaligned = evaluate(UncertaintyMetric(root_align=False), [sample])
    assert unaligned['uncertainty/coverage@0.9'] == pytest.approx(1 / 17)


def test_known_ranking(make_sample, evaluate):
    sample = make_sample()
    generator = np.random.default_rng(0)
    target = sample['gt_instances']['lifting_target']
    size = generator.random((6, 17, 1))
    size[:, 0] = 0
    pred = target - target[:, :1] + size * np.array([0.06, 0, 0.08])
    sample['pred_instances'].update(keypoints=pred, keypoint_std=size[..., 0])
    best = evaluate(UncertaintyMetric(), [sample])['uncertainty/AUSE_mm']
    assert best == pytest.approx(0, abs=1e-3)
    sample['pred_instances']['keypoint_std'] = 1 - size[..., 0]
    assert evaluate(UncertaintyMetric(), [sample])['uncertainty/AUSE_mm'] > 30


def test_curves_in_the_file(make_sample, evaluate, tmp_path):
    path = tmp_path / 'results.json'
    log = evaluate(UncertaintyMetric(out_file=str(path)), [make_sample(0)])
    results = json.loads(path.read_text())['UncertaintyMetric']
    curves = results['curves']
    assert len(curves['reliability_level']) == 19
    assert np.mean(
        np.abs(
            np.subtract(curves['reliability_level'],
                        curves['reliability_coverage']))) == pytest.approx(
                            log['uncertainty/ECE'])
    assert results['scalars']['uncertainty/ECE'] == log['uncertainty/ECE']
    assert curves['sparsification_error_mm'][0] == pytest.approx(50, abs=1e-3)


def test_regressor_without_hypotheses(make_sample, evaluate):
    sample = make_sample()
    del sample['pred_instances']['hypotheses']
    log = evaluate(UncertaintyMetric(), [sample])
    assert 'uncertainty/CRPS_gaussian_mm' in log
    assert 'uncertainty/CRPS_mm' not in log


def test_before_and_after_a_calibration(make_sample, evaluate):
    """Hypotheses that agree too much, a std that knows it."""
    samples = [calibrated(make_sample(0, 400, num_hypotheses=20), 0)]
    generator = np.random.default_rng(1)
    instances = samples[0]['pred_instances']
    std = instances['keypoint_std'][:, None, :, None]
    noise = std / 4 * generator.normal(size=instances['hypotheses'].shape)
    noise[:, :, 0] = 0
    instances['hypotheses'] = instances['keypoints'][:, None] + noise
    log = evaluate(UncertaintyMetric(), samples)
    assert log['uncertainty/coverage@0.9'] == pytest.approx(0.9, abs=0.02)
    assert log['uncertainty/spread_coverage@0.9'] == pytest.approx(
        0.32, abs=0.03)  # P(|z| < 1.645 / 4)
    assert log['uncertainty/spread_mm'] == pytest.approx(
        log['uncertainty/std_mm'] / 4, rel=0.02)
    assert log['uncertainty/spread_ECE'] > 0.2 > log['uncertainty/ECE']
    instances['hypotheses'] = instances['hypotheses'][:, :1]
    log = evaluate(UncertaintyMetric(), samples)
    assert not any('spread' in key for key in log)


def test_without_std(make_sample, evaluate):
    sample = make_sample()
    del sample['pred_instances']['keypoint_std']
    with pytest.raises(ValueError, match='keypoint_std.*required=False'):
        evaluate(UncertaintyMetric(), [sample])
    assert evaluate(UncertaintyMetric(required=False), [sample]) == {}


def test_bad_values_and_settings(make_sample, evaluate):
    sample = make_sample(start=10)
    sample['pred_instances']['keypoint_std'][2, 4] = -0.1
    with pytest.raises(ValueError, match='negative.*frame 12'):
        evaluate(UncertaintyMetric(), [sample])
    sample['pred_instances']['keypoint_std'][2, 4] = np.nan
    with pytest.raises(ValueError, match='keypoint_std is NaN.*frame 12'):
        evaluate(UncertaintyMetric(), [sample])
    sample['pred_instances']['keypoint_std'] = np.ones((6, 3))
    with pytest.raises(ValueError, match=r'\(6, 17\), but has \(6, 3\)'):
        evaluate(UncertaintyMetric(), [sample])
    for settings in (dict(coverage_levels=(1., )), dict(region='cube')):
        with pytest.raises(ValueError):
            UncertaintyMetric(**settings)
