# Copyright (c) mmdiffpose contributors. All rights reserved.
"""No step by a loss or a gradient that is not finite."""

import functools
import logging
from typing import Any, Callable, Dict, List, Optional, Tuple

import torch
from mmengine.dist import all_reduce, get_world_size
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner
from mmengine.structures import BaseDataElement
from torch import Tensor

from mmdiffpose.registry import HOOKS
from .residual_calibration_hook import unwrap

ACTIONS = ('stop', 'skip')
SKIPPED = 'skipped_steps'
"""Where the message hub counts the steps that were left out."""
_IN_A_ROW = 'skipped_steps_in_a_row'


@HOOKS.register_module()
class FiniteLossHook(Hook):
    """Take no step by a loss or a gradient that is NaN or infinite.

    It is found before the optimiser's step, so that weights stay as they
    were. Where one process of several finds it, none takes the step. What
    is logged or raised names the losses or the parameters, the stage, the
    epoch, the iteration and the clips of the batch.

    Gradients under a ``GradScaler`` are left to it: it takes infinite ones
    for a scale that is too large.

    Args:
        interval (int): Check every so many iterations. Defaults to 1.
        action (str): ``'stop'`` raises: the last checkpoint stays.
            ``'skip'`` leaves the step out (with ``accumulative_counts`` what
            was accumulated so far, too), warns, and counts in the message
            hub's ``skipped_steps``, which checkpoints hold.
        max_in_a_row (int): Steps in a row that may be left out; one more
            raises. Defaults to 10.
    """

    priority = 'VERY_HIGH'

    def __init__(self,
                 interval: int = 1,
                 action: str = 'stop',
                 max_in_a_row: int = 10) -> None:
        if action not in ACTIONS:
            raise ValueError(f'action should be one of {ACTIONS}, got '
                             f'{action!r}')
        self.interval = interval
        self.action = action
        self.max_in_a_row = max_in_a_row
        self._found: Optional[str] = None
        self._unguarded: Optional[Tuple[Callable, Callable]] = None

    def before_train(self, runner: Runner) -> None:
        """Stand between the loss and the optimiser."""
        wrapper = runner.optim_wrapper
        if not isinstance(wrapper, OptimWrapper):
            return  # several optimisers: found after the step
        update_params, step = wrapper.update_params, wrapper.step

        def guarded_update(loss: Tensor, *args: Any, **kwargs: Any) -> None:
            if self._is_due(runner) and not _finite_everywhere(loss):
                self._found = 'the loss of another process'
                wrapper._inner_count += 1
                wrapper.zero_grad()
                return
            update_params(loss, *args, **kwargs)

        # Schedulers look for the mark of the counter that they have put there.
        @functools.wraps(step)
        def guarded_step(**kwargs: Any) -> None:
            if self._is_due(runner) and not hasattr(wrapper, 'loss_scaler'):
                wrong = wrong_gradients(unwrap(runner.model))
                if wrong:
                    self._found = f'the gradient of {_few(wrong)}'
                    return
            step(**kwargs)

        self._unguarded = update_params, step
        wrapper.update_params, wrapper.step = guarded_update, guarded_step

    def after_train(self, runner: Runner) -> None:
        """Leave the optimiser as it was."""
        if self._unguarded is not None:
            wrapper = runner.optim_wrapper
            wrapper.update_params, wrapper.step = self._unguarded
            self._unguarded = None

    def after_train_iter(self,
                         runner: Runner,
                         batch_idx: int,
                         data_batch: Optional[dict] = None,
                         outputs: Optional[dict] = None) -> None:
        """Stop, or count, where this iteration was not finite.

        Raises:
            FloatingPointError: For a loss or a gradient that is not finite.
        """
        if not self._is_due(runner):
            return
        found, self._found = self._found, None
        terms = {
            name: f'{name} is {value.tolist()}'
            for name, value in (outputs or {}).items()
            if torch.is_tensor(value) and not bool(value.isfinite().all())
        }
        if len(terms) > 1:  # which one it is says more than their sum
            terms.pop('loss', None)
        if terms:
            found = ', '.join(terms.values())
        elif found is not None:
            found += ' is not finite'
        if found is None:
            if self.action == 'skip' and runner.message_hub.runtime_info.get(
                    _IN_A_ROW):
                runner.message_hub.update_info(_IN_A_ROW, 0)
            return
        message = (f'{found} in {_place(runner)}; {_samples(data_batch)}. '
                   'Lower the learning rate, or look for wrong values in '
                   'these clips')
        if self.action == 'stop':
            raise FloatingPointError(message)
        self._skip(runner, message)

    def _is_due(self, runner: Runner) -> bool:
        return self.every_n_train_iters(runner, self.interval)

    def _skip(self, runner: Runner, message: str) -> None:
        hub = runner.message_hub
        counts = {
            name: hub.runtime_info.get(name, 0) + 1
            for name in (SKIPPED, _IN_A_ROW)
        }
        for name, count in counts.items():
            hub.update_info(name, count)
        buffers = [
            name for name, value in unwrap(runner.model).named_buffers()
            if value.is_floating_point() and not bool(value.isfinite().all())
        ]
        if buffers:
            raise FloatingPointError(
                f'{message}. The step was left out, but {_few(buffers)} of '
                'the model, which its forward pass has written, is not '
                'finite: go on from the last checkpoint')
        if counts[_IN_A_ROW] > self.max_in_a_row:
            raise FloatingPointError(
                f'{counts[_IN_A_ROW]} steps in a row would not have been '
                f'finite; the last one: {message}')
        print_log(
            f'{message}. This step is left out, {counts[SKIPPED]} so far',
            logger='current',
            level=logging.WARNING)


def _finite_everywhere(loss: Tensor) -> bool:
    """Whether a loss is finite in all processes; the same in each."""
    finite = loss.detach().isfinite().all()
    if get_world_size() > 1:
        flag = finite.to(torch.int32)
        all_reduce(flag, 'min')
        finite = flag > 0
    return bool(finite)


def wrong_gradients(model: torch.nn.Module) -> List[str]:
    """Names of the parameters whose gradient is not finite."""
    gradients: Dict[str, Tensor] = {
        name: parameter.grad
        for name, parameter in model.named_parameters()
        if parameter.grad is not None
    }
    if not gradients:
        return []
    # One look at the device for all of them; a second, if that finds any.
    norms = torch.stack([
        gradient.detach().abs().amax().to(torch.float32)
        for gradient in gradients.values() if gradient.numel()
    ])
    if bool(norms.isfinite().all()):
        return []
    return [
        name for name, gradient in gradients.items()
        if not bool(gradient.isfinite().all())
    ]


def _few(names: List[str]) -> str:
    more = len(names) - 3
    return ', '.join(names[:3]) + (f' and {more} more' if more > 0 else '')


def _place(runner: Runner) -> str:
    """Where a training is, as a user counts."""
    stage = runner.message_hub.runtime_info.get('stage')
    part = '' if stage is None else f'stage {stage!r}, '
    return f'{part}epoch {runner.epoch + 1}, iteration {runner.iter + 1}'


def _samples(batch: Any) -> str:
    """The clips and the samples' numbers of a batch."""
    samples = batch.get('data_samples', ()) if isinstance(batch, dict) else ()
    if isinstance(samples, BaseDataElement):
        samples = [samples]
    metas = [sample.metainfo for sample in samples]
    clips = sorted({
        '/'.join(
            str(meta[key]) for key in ('subject', 'clip', 'camera')
            if meta.get(key) is not None)
        for meta in metas if meta.get('clip') is not None
    })
    ids: List[Any] = []
    for meta in metas:
        ids += meta.get('ids', [meta[key] for key in ('id', ) if key in meta])
    return f'clips of the batch: {clips}, samples: {ids}'
