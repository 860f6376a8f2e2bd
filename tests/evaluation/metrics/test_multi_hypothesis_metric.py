# Copyright (c) mmdiffpose contributors. All rights reserved.
import json

import numpy as np
import pytest

from mmdiffpose.evaluation.metrics import MultiHypothesisMetric


def test_against_the_definitions(make_sample, evaluate):
    samples = [make_sample(0), make_sample(6)]
    log = evaluate(MultiHypothesisMetric(numbers=(1, 3, 4, 9)), samples)
    hypotheses, gt = [], []
    for sample in samples:
        target = sample['gt_instances']['lifting_target']
        hypotheses.append(sample['pred_instances']['hypotheses'])
        gt.append((target - target[:, :1])[:, None])
    hypotheses, gt = np.concatenate(hypotheses), np.concatenate(gt)
    errors = 1000 * np.linalg.norm(hypotheses - gt, axis=-1)
    expected = {
        'hypotheses/MPJPE_mm':
        errors.mean(),
        'oracle/P-Best_mm':
        errors.mean(-1).min(1).mean(),
        'oracle/J-Best_mm':
        errors.min(1).mean(),
        'oracle/P-Best_mm@3':
        errors[:, :3].mean(-1).min(1).mean(),
        'oracle/J-Best_mm@3':
        errors[:, :3].min(1).mean(),
        'oracle/P-Best_window_mm':
        errors.reshape(2, 6, 4, 17).mean((1, 3)).min(1).mean(),
    }
    for number in (1, 3, 4):
        mean = hypotheses[:, :number].mean(1)
        expected[f'hypotheses/MPJPE_mm@{number}'] = 1000 * np.linalg.norm(
            mean - gt[:, 0], axis=-1).mean()
    for name, value in expected.items():
        assert log[name] == pytest.approx(value, rel=1e-5), name
    assert not any(name.startswith('hypotheses/MPJPE_mm@9') for name in log)
    assert log['oracle/J-Best_mm'] < log['oracle/P-Best_mm'] < log[
        'oracle/P-Best_window_mm'] < log['hypotheses/MPJPE_mm']


def test_identical_hypotheses(make_sample, evaluate):
    sample = make_sample()
    instances = sample['pred_instances']
    instances['hypotheses'] = np.repeat(
        instances['keypoints'][:, None], 5, axis=1)
    log = evaluate(MultiHypothesisMetric(), [sample])
    assert log['hypotheses/spread_mm'] == 0
    for name in ('oracle/P-Best_mm', 'oracle/J-Best_mm',
                 'hypotheses/MPJPE_mm@5'):
        assert log[name] == pytest.approx(50 * 16 / 17, abs=1e-3)


def test_masked_joints_and_unscored_windows(make_sample, evaluate):
    samples = [make_sample(0), make_sample(6, valid=[False] * 6)]
    for sample in samples:
        sample['gt_instances']['lifting_target_visible'][:, 1:9] = 0
        sample['pred_instances']['hypotheses'][:, :, 1:9] = 100
    log = evaluate(MultiHypothesisMetric(), samples)
    assert all(0 < value < 100 for value in log.values())


def test_oracles_are_labelled(make_sample, evaluate, tmp_path):
    path = tmp_path / 'results.json'
    metric = MultiHypothesisMetric(out_file=str(path))
    metric.process(None, [make_sample()])
    text = metric.summarise(metric.results).as_text()
    assert 'oracle/' in text and 'upper bound' in text
    metric.evaluate(1)
    results = json.loads(path.read_text())['MultiHypothesisMetric']
    assert 'upper bound' in results['oracle_warning']
    for name, entry in results['quantities'].items():
        assert entry['oracle'] == name.startswith('oracle/')


def test_without_hypotheses(make_sample, evaluate):
    sample = make_sample()
    del sample['pred_instances']['hypotheses']
    with pytest.raises(ValueError, match='hypotheses.*required=False'):
        evaluate(MultiHypothesisMetric(), [sample])
    assert evaluate(MultiHypothesisMetric(required=False), [sample]) == {}


@pytest.mark.parametrize('batch_size', [1, 2])
def test_different_numbers_of_hypotheses(make_sample, evaluate, batch_size):
    samples = [make_sample(0), make_sample(6, num_hypotheses=3)]
    with pytest.raises(ValueError, match=r'\(3, 17, 3\).*\(4, 17, 3\)'):
        evaluate(MultiHypothesisMetric(), samples, batch_size)


@pytest.mark.parametrize('numbers', [(0, ), (5, 1), (1, 1), (1.5, )])
def test_bad_numbers(numbers):
    with pytest.raises(ValueError, match='numbers'):
        MultiHypothesisMetric(numbers=numbers)
