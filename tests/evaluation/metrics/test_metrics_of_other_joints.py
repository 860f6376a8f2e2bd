# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Metrics of the same people with their joints elsewhere, named otherwise."""
from copy import deepcopy

import numpy as np
import pytest
from mmpose.datasets.datasets.utils import parse_pose_metainfo
from other_orders import ROOT, metainfo, taken

from mmdiffpose.datasets.windows.h36m_metainfo import H36M_METAINFO
from mmdiffpose.evaluation import metrics
from mmdiffpose.evaluation.functional import segments, symmetric_segments
from mmdiffpose.registry import METRICS
from mmdiffpose.skeletons import LSP_14

NAMES = sorted(name for name, kind in METRICS.module_dict.items()
               if kind.__module__.startswith(metrics.__name__))
OPTIONS = dict(
    PoseLiftingMetric=dict(
        metrics=('MPJPE', 'P-MPJPE', 'N-MPJPE', 'PCK', 'AUC')),
    CoherenceMetric=dict(sequence_length=3))
JOINT_AXIS = dict(hypotheses=2)


def parsed(meta):
    out = parse_pose_metainfo(deepcopy(meta))
    if 'root_joint' in meta:
        out['root_joint'] = meta['root_joint']
    return out


def moved(sample):
    sample = deepcopy(sample)
    for group in ('pred_instances', 'gt_instances'):
        for name, value in sample[group].items():
            if np.ndim(value) > 1:
                sample[group][name] = taken(
                    value, axis=JOINT_AXIS.get(name, 1))
    return sample


@pytest.mark.parametrize('name', NAMES)
def test_a_metric_is_that_of_the_usual_order(name, make_sample, evaluate):
    samples = [make_sample(), make_sample(6)]
    values = []
    for meta, shown in ((H36M_METAINFO, samples),
                        (metainfo(), [moved(sample) for sample in samples])):
        metric = METRICS.build(
            dict(type=f'mmdiffpose.{name}', **OPTIONS.get(name, {})))
        metric.dataset_meta = parsed(meta)
        values.append(evaluate(metric, shown))
    assert values[0] and set(values[0]) == set(values[1])
    for key, value in values[0].items():
        assert values[1][key] == pytest.approx(value, rel=1e-4), key


def test_a_root_that_is_not_the_datas_is_refused():
    metric = METRICS.build(
        dict(type='mmdiffpose.PoseLiftingMetric', root_index=0))
    with pytest.raises(ValueError, match=f'root_index=0.*root {ROOT}'):
        metric.dataset_meta = dict(parsed(metainfo()), root_index=ROOT)


def test_bones_of_another_skeleton_and_their_mirror_images():
    names = LSP_14.joints
    bones = [{names[a], names[b]} for a, b in segments('paper', LSP_14)]
    assert {'left_knee', 'left_ankle'} in bones and len(bones) == 13
    for left, right in symmetric_segments(LSP_14):
        assert {n.replace('left', 'right')
                for n in bones[left]} == bones[right]
    assert len(symmetric_segments(LSP_14)) == 6
    with pytest.raises(ValueError, match="'official'"):
        segments('official', LSP_14)
