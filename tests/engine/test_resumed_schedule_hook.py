# Copyright (c) mmdiffpose contributors. All rights reserved.
"""A resumed training follows the schedule of its config."""
import pytest
import tiny_project  # noqa: F401
from mmengine.hooks import Hook
from mmengine.runner import Runner

import mmdiffpose  # noqa: F401
from mmdiffpose.engine import ResumedScheduleHook


class Rates(Hook):
    """Learning rate that each iteration is trained with."""

    priority = 'LOWEST'

    def __init__(self):
        self.found = []

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.found.append(runner.optim_wrapper.param_groups[0]['lr'])


def train(folder, epochs, resume=False, lr=.1, warmup=4, hook=True):
    rates = Rates()
    runner = Runner(
        model=dict(type='TinyModel'),
        work_dir=str(folder),
        train_dataloader=dict(
            batch_size=4,
            sampler=dict(type='DefaultSampler', shuffle=False),
            dataset=dict(type='TinyDataset')),
        train_cfg=dict(by_epoch=True, max_epochs=epochs),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=lr)),
        param_scheduler=[
            dict(
                type='LinearLR',
                start_factor=.1,
                by_epoch=False,
                begin=0,
                end=warmup),
            dict(
                type='CosineAnnealingLR',
                T_max=epochs,
                by_epoch=True,
                convert_to_iter_based=True),
            dict(type='MultiStepLR', by_epoch=True, milestones=[2]),
        ],
        default_hooks=dict(logger=None),
        custom_hooks=[rates] + [ResumedScheduleHook()] * hook,
        resume=resume,
        default_scope='mmengine',
        experiment_name=f'{folder.name}-{epochs}-{resume}-{lr}-{hook}')
    runner.train()
    return rates.found


def test_more_epochs_go_on_as_a_straight_training(tmp_path):
    straight = train(tmp_path / 'straight', 5)
    train(tmp_path / 'longer', 3)
    assert train(
        tmp_path / 'longer', 5, resume=True) == pytest.approx(straight[12:])


def test_without_it_the_old_schedule_goes_on(tmp_path):
    """What MMEngine does; were it to change, the hook could go."""
    straight = train(tmp_path / 'straight', 5)
    train(tmp_path / 'longer', 3, hook=False)
    found = train(tmp_path / 'longer', 5, resume=True, hook=False)
    assert found != pytest.approx(straight[12:], rel=.1)


def test_another_learning_rate_is_that_of_the_config(tmp_path):
    straight = train(tmp_path / 'straight', 4, lr=.02)
    # Interrupted after two of four epochs.
    train(tmp_path / 'other', 4, lr=.1)
    checkpoint = tmp_path / 'other' / 'epoch_2.pth'
    (tmp_path / 'other' / 'last_checkpoint').write_text(str(checkpoint))
    found = train(tmp_path / 'other', 4, resume=True, lr=.02)
    assert found == pytest.approx(straight[8:])


def test_the_same_schedule_is_left_alone(tmp_path, monkeypatch):
    straight = train(tmp_path / 'one', 4)
    checkpoint = tmp_path / 'one' / 'epoch_2.pth'
    (tmp_path / 'one' / 'last_checkpoint').write_text(str(checkpoint))
    monkeypatch.setattr(ResumedScheduleHook, '_replay', None)
    assert train(tmp_path / 'one', 4, resume=True) == straight[8:]
