# Copyright (c) mmdiffpose contributors. All rights reserved.
import types

import torch

from mmdiffpose.engine import TrackedEMAHook


def started(resume=False):
    model = torch.nn.Linear(1, 1, bias=False)
    runner = types.SimpleNamespace(model=model, iter=0, _resume=resume)
    hook = TrackedEMAHook(momentum=0.1)
    hook.before_run(runner)
    return hook, runner


def train(hook, runner, values):
    for value in values:
        with torch.no_grad():
            runner.model.weight.fill_(value)
        hook.after_train_iter(runner, runner.iter)
        runner.iter += 1


def test_the_average_is_saved_and_the_weights_are_evaluated():
    hook, runner = started()
    # As after a first stage: the weights are not those of before the run.
    train(hook, runner, [5., 7., 1.])
    average = 0.9 * (0.9 * 5 + 0.1 * 7) + 0.1 * 1
    for before, after in ((hook.before_val_epoch, hook.after_val_epoch),
                          (hook.before_test_epoch, hook.after_test_epoch)):
        before(runner)
        assert runner.model.weight.item() == 1
        after(runner)
        assert runner.model.weight.item() == 1
    checkpoint = dict(state_dict=runner.model.state_dict())
    hook.before_save_checkpoint(runner, checkpoint)
    assert checkpoint['state_dict']['weight'].item() == 1
    torch.testing.assert_close(checkpoint['ema_state_dict']['module.weight'],
                               torch.tensor([[average]]))


def test_a_resumed_run_goes_on_with_the_average():
    hook, runner = started()
    train(hook, runner, [5., 7.])
    checkpoint = dict(state_dict=runner.model.state_dict())
    hook.before_save_checkpoint(runner, checkpoint)
    resumed, runner = started(resume=True)
    resumed.after_load_checkpoint(runner, checkpoint)
    train(resumed, runner, [1.])
    again = dict(state_dict=runner.model.state_dict())
    resumed.before_save_checkpoint(runner, again)
    torch.testing.assert_close(
        again['ema_state_dict']['module.weight'],
        torch.tensor([[0.9 * (0.9 * 5 + 0.1 * 7) + 0.1]]))
    # A checkpoint without an average: it starts with the next weights.
    fresh, runner = started(resume=True)
    fresh.after_load_checkpoint(runner, dict(state_dict={}))
    train(fresh, runner, [3.])
    assert fresh.ema_model.module.weight.item() == 3
