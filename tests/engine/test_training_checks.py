# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What does not go together is refused before anything is trained."""
from types import SimpleNamespace

import pytest
from mmengine.config import Config

import mmdiffpose  # noqa: F401
from mmdiffpose.engine.training_checks import (check_aligned_metrics,
                                               check_batches, check_parts)
from mmdiffpose.registry import METRICS

OURS = dict(type='mmdiffpose.MocapMiniDataset', seq_len=27)
THEIRS = dict(type='Human36mDataset', seq_len=27)


def config(metric=None,
           dataset=OURS,
           head='mmdiffpose.DiffPoseHead',
           **others):
    return Config(
        dict(
            model=dict(type='PoseLifter', head=dict(type=head)),
            train_dataloader=dict(dataset=dataset),
            val_dataloader=dict(dataset=dataset),
            val_evaluator=metric or dict(type='mmdiffpose.PoseLiftingMetric'),
            **others))


@pytest.mark.parametrize('metric', ['PCKAccuracy', 'AUC', 'EPE', 'NME'])
@pytest.mark.parametrize('nested', [False, True])
def test_metrics_of_images_are_refused(metric, nested):
    evaluator = [
        dict(type='mmdiffpose.PoseLiftingMetric'),
        dict(type=f'mmpose.{metric}' if nested else metric)
    ]
    if nested:
        evaluator = dict(type='Evaluator', metrics=evaluator)
    with pytest.raises(
            ValueError,
            match=f'val_evaluator.*{metric}.*mmdiffpose.PoseLiftingMetric'):
        check_parts(config(evaluator))


def test_they_stay_where_they_belong():
    check_parts(config())
    check_parts(config(dict(type='MPJPE', mode='mpjpe')))
    check_parts(
        config(
            dict(type='PCKAccuracy'),
            dict(type='CocoDataset'),
            head='HeatmapHead'))


def test_one_frame_of_each_window_is_refused_with_our_data():
    with pytest.raises(ValueError, match="type='Human36mDataset', seq_len=27"):
        check_parts(config(head='TemporalRegressionHead'))
    check_parts(config(head='TemporalRegressionHead', dataset=THEIRS))
    check_parts(
        config(head='TemporalRegressionHead', dataset=dict(OURS, seq_len=1)))


def test_mmposes_metric_needs_a_prediction_for_each_target():
    with pytest.raises(ValueError, match='MPJPE.*PoseLiftingMetric'):
        check_parts(config(dict(type='MPJPE'), dataset=THEIRS))


def test_pictures_without_images_are_refused():
    hook = dict(type='PoseVisualizationHook', enable=True)
    for hooks in (dict(default_hooks=dict(visualization=hook)),
                  dict(custom_hooks=[hook])):
        with pytest.raises(ValueError, match='LiftingVisualizationHook'):
            check_parts(config(**hooks))
    hook['enable'] = False
    check_parts(config(custom_hooks=[hook]))


def test_a_training_needs_a_batch():

    class Empty(list):
        dataset, batch_size = range(12), 16

    with pytest.raises(
            ValueError, match='12 windows, fewer than the batch_size of 16'):
        check_batches(SimpleNamespace(train_dataloader=Empty()))
    check_batches(SimpleNamespace(train_dataloader=[0]))


@pytest.mark.parametrize('mode', ['mpjpe', 'p-mpjpe', 'n-mpjpe'])
@pytest.mark.parametrize('known', [True, False])
def test_mmposes_alignment_needs_all_joints(mode, known):
    metric = METRICS.build(dict(type='mmpose.MPJPE', mode=mode))
    sequence = SimpleNamespace(visible=None if known else 0)
    loop = SimpleNamespace(
        dataloader=SimpleNamespace(
            dataset=SimpleNamespace(sequences=[sequence])),
        evaluator=SimpleNamespace(metrics=[metric]))
    check_aligned_metrics(None)
    if known or mode == 'mpjpe':
        check_aligned_metrics(loop)
        return
    with pytest.raises(ValueError, match=f'metrics=..{mode.upper()}'):
        check_aligned_metrics(loop)
