# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Go on with the schedule of the config, not with that of the checkpoint."""

import copy
import warnings
from typing import Any, Dict, List, Optional

from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner

from mmdiffpose.registry import HOOKS

_PROGRESS = ('last_step', '_global_step', '_last_value', 'verbose')
"""What tells how far a scheduler is, not what it does."""


@HOOKS.register_module()
class ResumedScheduleHook(Hook):
    """Let a resumed training follow its config's schedule.

    MMEngine restores schedulers and learning rates from the checkpoint as
    they were. Where the config says otherwise by now, more epochs say, that
    is the old schedule's last rate until the end. With this hook, such a
    training goes on where a straight one with the config's schedule and
    learning rate would be; the log says so. Where nothing has changed,
    nothing is done.
    """

    priority = 'VERY_HIGH'

    def __init__(self) -> None:
        self._states: Optional[List[Dict[str, Any]]] = None
        self._rates: List[float] = []
        self._first: List[float] = []
        self._saved: List[Dict[str, Any]] = []
        self._loaded = False

    def before_run(self, runner: Runner) -> None:
        """Remember what the config says."""
        self._states, self._loaded = None, False
        schedulers = getattr(runner, 'param_schedulers', None)
        if isinstance(schedulers, list) and isinstance(runner.optim_wrapper,
                                                       OptimWrapper):
            self._states = [
                copy.deepcopy(scheduler.state_dict())
                for scheduler in schedulers
            ]
            self._rates = _initial_rates(runner.optim_wrapper)
            self._first = _rates(runner.optim_wrapper)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Note that there is something to compare with."""
        self._loaded = bool(runner._resume and 'param_schedulers' in checkpoint
                            and 'optimizer' in checkpoint)
        if self._loaded:
            self._saved = list(checkpoint['param_schedulers'])

    def before_train(self, runner: Runner) -> None:
        """Replay the config's schedule where it is not the checkpoint's."""
        if self._states is None or not self._loaded:
            return
        self._loaded = False
        before = _rates(runner.optim_wrapper)
        same = [_what(state) for state in self._states] == [
            _what(state) for state in self._saved
        ] and self._rates == _initial_rates(runner.optim_wrapper)
        if same:
            return
        self._replay(runner)
        print_log(
            'the schedule or the learning rate of the config is not that of '
            f'the checkpoint: going on as a training by the config would, '
            f'with the learning rate {_rates(runner.optim_wrapper)[0]:.4g} '
            f'in place of {before[0]:.4g}',
            logger='current')

    def _replay(self, runner: Runner) -> None:
        """Take the config's schedulers through the iterations so far."""
        for group, initial, first in zip(runner.optim_wrapper.param_groups,
                                         self._rates, self._first):
            group['lr'], group['initial_lr'] = first, initial
        schedulers = runner.param_schedulers
        for scheduler, state in zip(schedulers, self._states or ()):
            scheduler.load_state_dict(copy.deepcopy(state))
        by_epoch = [s for s in schedulers if s.by_epoch]
        by_iteration = [s for s in schedulers if not s.by_epoch]
        epoch = 0
        with warnings.catch_warnings():
            # That no optimiser has stepped yet.
            warnings.simplefilter('ignore')
            for iteration in range(1, runner.iter + 1):
                for scheduler in by_iteration:
                    scheduler.step()
                while epoch < iteration * runner.epoch // runner.iter:
                    epoch += 1
                    for scheduler in by_epoch:
                        scheduler.step()


def _what(state: Dict[str, Any]) -> Dict[str, Any]:
    """What a scheduler does, whatever its progress."""
    return {
        key: value
        for key, value in state.items()
        if key not in _PROGRESS and not callable(value)
    }


def _initial_rates(optimizer: OptimWrapper) -> List[float]:
    return [
        group.get('initial_lr', group['lr'])
        for group in optimizer.param_groups
    ]


def _rates(optimizer: OptimWrapper) -> List[float]:
    return [group['lr'] for group in optimizer.param_groups]
