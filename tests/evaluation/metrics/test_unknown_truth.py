# Copyright (c) mmdiffpose contributors. All rights reserved.
"""No metric depends on what stands for a joint that is not known."""
import copy

import numpy as np
import pytest

from mmdiffpose.evaluation.metrics.base import PoseMetric
from mmdiffpose.registry import METRICS

UNKNOWN = 16


def all_metrics():
    return sorted(name for name, kind in METRICS.module_dict.items()
                  if issubclass(kind, PoseMetric) and name != 'PoseMetric')


def build(name, **options):
    more = dict(
        PoseLiftingMetric=dict(
            metrics=['MPJPE', 'P-MPJPE', 'N-MPJPE', 'PCK', 'AUC']),
        CoherenceMetric=dict(sequence_length=3)).get(name, {})
    return METRICS.build(dict(type=f'mmdiffpose.{name}', **more, **options))


def hide(samples, target, prediction=None):
    """Joint 16 unknown in all frames, all joints in frame 2 of the first."""
    samples = copy.deepcopy(samples)
    for number, sample in enumerate(samples):
        truth, pred = sample['gt_instances'], sample['pred_instances']
        where = [(slice(None), UNKNOWN)] + [(2, )] * (number == 0)
        for place in where:
            truth['lifting_target'][place] = target
            truth['lifting_target_visible'][place] = 0
            if prediction is not None:
                for key in pred:
                    row = place[:1] + (slice(None), ) + place[1:]
                    pred[key][row if key == 'hypotheses' else place] = abs(
                        prediction)
    return samples


@pytest.fixture
def samples(make_sample):
    made = [make_sample(0), make_sample(6), make_sample(12, seed=3)]
    for sample in made:
        pose = sample['pred_instances']['keypoints']
        pose += np.random.default_rng(5).normal(0, .03, pose.shape)
        pose -= pose[:, :1]
    return made


@pytest.mark.parametrize('name', all_metrics())
def test_neither_truth_nor_prediction_of_it_counts(name, samples, evaluate):
    base = evaluate(build(name), hide(samples, 0.))
    assert base and any(np.isfinite(value) for value in base.values())
    for target, prediction in ((5., None), (-3., None), (0., .5)):
        hidden = hide(samples, target, prediction)
        found = evaluate(build(name), hidden)
        for key, value in base.items():
            np.testing.assert_allclose(found[key], value, err_msg=key)


def test_the_mean_is_over_what_is_known(samples, evaluate):
    hidden = hide(samples, 0.)
    errors = []
    for number, sample in enumerate(hidden):
        truth = sample['gt_instances']['lifting_target']
        pred = sample['pred_instances']['keypoints']
        gap = np.linalg.norm(pred - (truth - truth[:, :1]), axis=-1)[:, :16]
        errors.append(np.delete(gap, 2, axis=0) if number == 0 else gap)
    found = evaluate(build('PoseLiftingMetric'), hidden)
    assert found['MPJPE_mm'] == pytest.approx(
        1000 * np.concatenate(errors).mean(), rel=1e-5)


def test_segments_of_unknown_joints_are_left_out(samples, evaluate):
    """The right forearm ends in joint 16: five pairs of segments are left."""
    from mmdiffpose.skeletons import H36M_17
    found = evaluate(build('CoherenceMetric'), hide(samples, 0.))
    poses = np.concatenate([
        np.delete(s['pred_instances']['keypoints'], [2] if i == 0 else [], 0)
        for i, s in enumerate(samples)
    ]).astype(np.float64)
    parents = dict((child, parent) for parent, child in H36M_17.bones)
    gaps = []
    for left, right in H36M_17.flip_pairs:
        if UNKNOWN in (left, right):
            continue
        one, other = (
            np.linalg.norm(poses[:, j] - poses[:, parents[j]], axis=-1)
            for j in (left, right))
        gaps.append(np.abs(one - other))
    assert len(gaps) == 5
    assert found['symmetry_gap_mm'] == pytest.approx(
        1000 * np.mean(gaps), rel=1e-5)
