# Copyright (c) mmdiffpose contributors. All rights reserved.
"""No step is taken by a number that is not finite."""
import types
from typing import Any

import pytest
import tiny_project  # noqa: F401
import torch
from mmengine.model import BaseModel
from mmengine.registry import MODELS
from mmengine.runner import Runner
from mmengine.structures import BaseDataElement

import mmdiffpose  # noqa: F401
from mmdiffpose.engine import FiniteLossHook
from mmdiffpose.engine.finite_loss_hook import _samples, wrong_gradients

NAN = float('nan')


@MODELS.register_module()
class Scripted(BaseModel):
    """Its loss is the weight times what the script says."""

    def __init__(self, script: list) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor(1.))
        self.register_buffer('seen', torch.tensor(0.))
        self.script = list(script)

    def forward(self, x: Any, y: Any, mode: str = 'tensor') -> Any:
        """One term is fine, the other one as the script says."""
        value = self.script.pop(0)
        if value == 'buffer':
            self.seen.fill_(NAN)
            value = NAN
        if value == 'gradient':
            # 0 * inf in the backward pass of the root alone.
            return dict(loss_a=(self.weight - self.weight.detach()).sqrt())
        return dict(loss_a=self.weight * 1., loss_b=self.weight * value)


def train(folder, script, accumulate=1, **kwargs):
    runner = Runner(
        model=dict(type='Scripted', script=script),
        work_dir=str(folder),
        train_dataloader=dict(
            batch_size=4,
            sampler=dict(type='DefaultSampler', shuffle=False),
            dataset=dict(type='TinyDataset')),
        train_cfg=dict(by_epoch=False, max_iters=len(script)),
        optim_wrapper=dict(
            optimizer=dict(type='SGD', lr=.5), accumulative_counts=accumulate),
        param_scheduler=[dict(type='ConstantLR', factor=1., by_epoch=False)],
        custom_hooks=[dict(type='mmdiffpose.FiniteLossHook', **kwargs)],
        default_hooks=dict(checkpoint=None),
        default_scope='mmpose',
        log_level='ERROR',
        experiment_name=folder.name)
    hub = runner.message_hub
    try:
        runner.train()
    finally:
        train.weight = runner.model.weight.item()
    return train.weight, hub.runtime_info.get('skipped_steps', 0)


@pytest.mark.parametrize('value, seen', [(NAN, 'nan'), (float('inf'), '-inf')])
def test_it_stops_before_the_weights_are_spoilt(tmp_path, value, seen):
    with pytest.raises(
            FloatingPointError,
            match=f'^loss_b is {seen} in epoch 1, iteration 2; clips'):
        train(tmp_path, [3., value, 1.])
    # One step of 1 + 3.
    assert train.weight == -1.


def test_a_gradient_is_named_by_its_parameter(tmp_path):
    with pytest.raises(
            FloatingPointError,
            match='^the gradient of weight is not finite in epoch 1, '
            'iteration 3'):
        train(tmp_path, [1., 3., 'gradient'])
    assert train.weight == 1. - .5 * 2 - .5 * 4


def test_it_skips_and_counts(tmp_path):
    weight, skipped = train(
        tmp_path, [1., NAN, 'gradient', 3.], action='skip', max_in_a_row=2)
    assert weight == 1. - .5 * 2 - .5 * 4 and skipped == 2


def test_skipped_steps_in_a_row_are_limited(tmp_path):
    # One between them ends the row.
    train(tmp_path, [NAN, 1., NAN], action='skip', max_in_a_row=1)
    with pytest.raises(FloatingPointError, match='^2 steps in a row would'):
        train(
            tmp_path / 'row', [1., NAN, NAN, 1.],
            action='skip',
            max_in_a_row=1)


def test_what_was_accumulated_goes_with_the_step(tmp_path):
    weight, skipped = train(
        tmp_path, [1., NAN, 3., 1., NAN, NAN], accumulate=3, action='skip')
    # Of the first three, the third counts (a third of 1 + 3); no more.
    assert weight == pytest.approx(1. - .5 * 4 / 3) and skipped == 3


def test_a_buffer_that_the_forward_pass_has_spoilt_stops(tmp_path):
    with pytest.raises(FloatingPointError, match='but seen of the model'):
        train(tmp_path, [1., 'buffer', 1.], action='skip')


def test_the_interval_is_kept(tmp_path):
    with pytest.raises(FloatingPointError, match='iteration 2;'):
        train(tmp_path, [NAN, 1.], interval=2)


def test_the_stage_is_named():
    hook = FiniteLossHook()
    info = dict(stage='context')
    runner = types.SimpleNamespace(
        iter=4, epoch=2, message_hub=types.SimpleNamespace(runtime_info=info))
    with pytest.raises(
            FloatingPointError,
            match="loss is nan in stage 'context', epoch 3, iteration 5"):
        hook.after_train_iter(runner, 0, None, dict(loss=torch.tensor(NAN)))


def test_the_clips_are_named():
    samples = [
        BaseDataElement(
            metainfo=dict(id=i, subject='S1', clip=clip, camera='c0'))
        for i, clip in ((7, 'walk'), (3, 'sit'), (9, 'walk'))
    ]
    assert _samples(dict(data_samples=samples)) == (
        "clips of the batch: ['S1/sit/c0', 'S1/walk/c0'], samples: [7, 3, 9]")
    # A batch in one piece, and one that says nothing.
    piece = BaseDataElement(metainfo=dict(ids=[4, 5]))
    assert _samples(
        dict(data_samples=piece)) == 'clips of the batch: [], samples: [4, 5]'
    assert _samples([1]) == 'clips of the batch: [], samples: []'


def test_each_wrong_gradient_is_found():
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 1))
    assert wrong_gradients(model) == []
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    assert wrong_gradients(model) == []
    model[1].bias.grad[0] = float('-inf')
    model[0].weight.grad[1, 1] = NAN
    assert wrong_gradients(model) == ['0.weight', '1.bias']


def test_other_actions_are_refused():
    with pytest.raises(ValueError, match="one of .*'skip'.*, got 'go'"):
        FiniteLossHook(action='go')
