# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Checkpoints that a training can always go on from, and exactly."""

import logging
import os.path as osp
from contextlib import contextmanager
from typing import IO, Any, Callable, Dict, Iterator, List, Optional, TypeVar

from mmengine.dist import (all_gather_object, broadcast_object_list, get_rank,
                           is_main_process)
from mmengine.hooks import CheckpointHook, EarlyStoppingHook
from mmengine.logging import print_log
from mmengine.optim import OptimWrapper
from mmengine.runner import BaseLoop, EpochBasedTrainLoop, Runner
from torch import Tensor

from mmdiffpose.atomic_files import replace_text
from mmdiffpose.registry import HOOKS
from .residual_calibration_hook import unwrap
from .work_dir import (META_KEY, POINTER, describe_training,
                       find_last_checkpoint, lock_work_dir, remove_leftovers)

PROGRESS = 'progress'
"""Where a checkpoint's ``meta`` says what was done when it was saved."""
GRADIENTS = 'accumulated_gradients'
"""A checkpoint's gradients that no step has used yet, of each process."""
OBSOLETE = 'obsolete_ckpts'
"""Where the message hub has the files that go once a new one is there."""

T = TypeVar('T')


@HOOKS.register_module()
class SafeCheckpointHook(CheckpointHook):
    """MMEngine's ``CheckpointHook`` for a training that may be killed.

    - The old checkpoint goes when the new one, and the file that names it,
      are wholly there; MMEngine removes it first, and with
      ``max_keep_ckpts=1`` has none while it saves.
    - Files are whole or not there (:class:`AtomicLocalBackend`). What a
      killed process has left over is removed at the next start, and
      ``resume`` finds the newest checkpoint that is whole.
    - After a validation, the checkpoint of that epoch is written again:
      what was measured there (``residual_std``, ``std_calibration``, the
      best score) lies beside the weights that it was measured on.
    - A run that was killed between a checkpoint and its validation makes up
      for the validation; MMEngine goes on without, to a run without that
      best checkpoint.
    - Gradients that wait for a step (``accumulative_counts``) are saved, of
      each process, and so is what an ``EarlyStoppingHook`` has counted.
    - One training at a time writes to a folder.

    Args:
        **kwargs: Of ``CheckpointHook``. ``backend_args`` defaults to
            :class:`AtomicLocalBackend`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if kwargs.get('file_client_args') is None and '://' not in str(
                kwargs.get('out_dir') or ''):
            kwargs['backend_args'] = kwargs.get('backend_args') or dict(
                backend='atomic')
        super().__init__(*args, **kwargs)
        self._lock: Optional[IO[str]] = None
        self._resumed: Optional[Dict[str, Any]] = None
        self._gradients: Optional[List[Dict[str, Tensor]]] = None
        self._obsolete: List[str] = []
        self._last_step: Optional[int] = None
        self._validated_at: Optional[int] = None
        self._between_epochs = False
        self._in_validation = False
        self._save_again = False

    def before_run(self, runner: Runner) -> None:
        """Take the folder, and find what to go on from.

        Raises:
            RuntimeError: If another training writes to the folder.
            ValueError: If no checkpoint to go on from is whole.
        """
        if not isinstance(runner._train_loop, BaseLoop):
            return
        self._resumed = None

        def prepare() -> Optional[str]:
            self._lock = lock_work_dir(runner.work_dir)
            remove_leftovers(runner.work_dir)
            if not runner._resume or runner._load_from is not None:
                return None
            return find_last_checkpoint(runner.work_dir)

        found = _once(prepare)
        if found is not None:
            runner._load_from = found

    def after_run(self, runner: Runner) -> None:
        """Leave the folder to others."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Keep what is needed to go on exactly."""
        if not runner._resume:
            return
        meta = checkpoint.get('meta') or {}
        self._resumed = dict(meta.get(PROGRESS) or {})
        self._resumed['iter'] = meta.get('iter')
        info = (checkpoint.get('message_hub') or {}).get('runtime_info', {})
        self._resumed['clock'] = {
            key: info[key]
            for key in ('epoch', 'iter') if key in info
        }
        gradients = checkpoint.get(GRADIENTS)
        if gradients is not None:
            self._resumed['gradients'] = gradients

    def before_train(self, runner: Runner) -> None:
        """Do what was left to do when the checkpoint was saved."""
        super().before_train(runner)
        if self._resumed is None:
            return
        resumed, self._resumed = self._resumed, None
        self._obsolete = list(
            runner.message_hub.runtime_info.get(OBSOLETE, ()))
        self._remove_obsolete(runner)
        self._restore_step(runner)
        if 'gradients' in resumed:
            restore_gradients(runner, resumed['gradients'])
        for hook, state in zip(_stoppers(runner), resumed.get('stopping', ())):
            hook.wait_count, hook.best_score = state
        loop = runner.train_loop
        if resumed.get('validated'):
            self._validated_at = resumed['iter']
            loop.stop_training = resumed.get('stopped', False)
        elif _validation_is_due(runner, resumed):
            print_log(
                'the validation that the interruption has prevented:',
                logger='current')
            # What the hub said when training had come here.
            runner.message_hub.update_info_dict(resumed['clock'])
            runner.val_loop.run()

    def _restore_step(self, runner: Runner) -> None:
        """Know the checkpoint of this very state as the last one."""
        step = runner.epoch if self.by_epoch else runner.iter
        path = self._path(step)
        if self.file_backend.isfile(path):
            self._last_step, self.last_ckpt = step, path

    def after_train_epoch(self, runner: Runner) -> None:
        """Save, if it is due."""
        self._between_epochs = True
        super().after_train_epoch(runner)
        self._between_epochs = False

    def after_val_epoch(self, runner: Runner, metrics: Dict[str, Any]) -> None:
        """Save the best checkpoint, if this is one."""
        backend = getattr(self, 'file_backend', None)
        if backend is None:  # a validation without a training
            return
        self._validated_at = runner.iter
        self._in_validation = self._between_epochs = True
        self.file_backend = _Postponing(backend, self._postpone)
        try:
            with self._explained(runner, 'the best checkpoint'):
                super().after_val_epoch(runner, metrics)
        finally:
            self.file_backend = backend
            self._in_validation = self._between_epochs = False

    def after_val(self, runner: Runner) -> None:
        """Save again, with what was measured, when all hooks are done."""
        if getattr(self, 'file_backend', None) is None:
            return
        step = runner.epoch if self.by_epoch else runner.iter
        if self._save_again or self._last_step == step:
            self._save_again = False
            self._between_epochs = True
            self._save_checkpoint_with_step(
                runner, step, dict(epoch=runner.epoch, iter=runner.iter))
            self._between_epochs = False
        else:
            self._remove_obsolete(runner)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Say what was done so far, and what this is a training of."""
        meta = checkpoint['meta']
        meta[META_KEY] = describe_training(runner.cfg)
        meta[PROGRESS] = dict(
            validated=meta['iter'] == self._validated_at,
            epoch_end=self._between_epochs
            and isinstance(runner.train_loop, EpochBasedTrainLoop),
            stopped=bool(getattr(runner.train_loop, 'stop_training', False)),
            stopping=[[hook.wait_count, hook.best_score]
                      for hook in _stoppers(runner)])
        if self._gradients is not None:
            checkpoint[GRADIENTS] = self._gradients

    def _path(self, step: int) -> str:
        return self.file_backend.join_path(self.out_dir,
                                           self.filename_tmpl.format(step))

    def _save_checkpoint_with_step(self, runner: Runner, step: int,
                                   meta: dict) -> None:
        """Save, then name the new checkpoint, then remove the old one."""
        if self._in_validation:
            self._save_again = True
            return
        hub = runner.message_hub
        if self.max_keep_ckpts > 0:
            kept = self.keep_ckpt_ids
            if not kept or kept[-1] != step:
                while len(kept) >= self.max_keep_ckpts:
                    self._postpone(self._path(kept.popleft()))
                kept.append(step)
            hub.update_info('keep_ckpt_ids', list(kept))
        hub.update_info(OBSOLETE, list(self._obsolete))
        path = self._path(step)
        self.last_ckpt = path
        hub.update_info('last_ckpt', path)
        self._gradients = pending_gradients(runner)
        with self._explained(runner, path):
            runner.save_checkpoint(
                self.out_dir,
                self.filename_tmpl.format(step),
                self.file_client_args,
                save_optimizer=self.save_optimizer,
                save_param_scheduler=self.save_param_scheduler,
                meta=meta,
                by_epoch=self.by_epoch,
                backend_args=self.backend_args,
                **self.args)
            if is_main_process():
                replace_text(osp.join(runner.work_dir, POINTER), path)
        self._gradients = None
        self._last_step = step
        self._remove_obsolete(runner)

    @contextmanager
    def _explained(self, runner: Runner, what: str) -> Iterator[None]:
        """Say that nothing is lost where a file cannot be written."""
        try:
            yield
        except OSError as error:
            raise OSError(
                error.errno, f'{what} could not be written to {self.out_dir} '
                f'({error.strerror or error}); checkpoints that were there '
                'before are as they were. Make room, and go on with '
                '--resume') from error

    def _postpone(self, path: str) -> None:
        """Note a file that goes when the next one is there."""
        name = osp.basename(path)
        if name not in self._obsolete:
            self._obsolete.append(name)

    def _remove_obsolete(self, runner: Runner) -> None:
        hub = runner.message_hub
        current = {osp.basename(str(self.last_ckpt))} | {
            osp.basename(str(value))
            for key, value in hub.runtime_info.items()
            if key == 'best_ckpt' or key.startswith('best_ckpt_')
        }
        for name in self._obsolete:
            path = self.file_backend.join_path(self.out_dir, name)
            if is_main_process() and name not in current:
                if self.file_backend.isfile(path):
                    self.file_backend.remove(path)
                elif self.file_backend.isdir(path):
                    self.file_backend.rmtree(path)
        self._obsolete = []
        hub.update_info(OBSOLETE, [])


class _Postponing:
    """A file backend that notes what it should remove.

    Args:
        backend: Does all else.
        postpone (Callable): Takes the path of what should go.
    """

    def __init__(self, backend: Any, postpone: Callable[[str], None]) -> None:
        self._backend = backend
        self.remove = self.rmtree = postpone

    def __getattr__(self, name: str) -> Any:
        """Anything else is the backend's."""
        return getattr(self._backend, name)


def _once(function: Callable[[], T]) -> T:
    """What a function of the main process returns, in all processes.

    Raises:
        Exception: What it raises, in all processes.
    """
    shared: List[Any] = [None, None]
    if is_main_process():
        try:
            shared[0] = function()
        except (OSError, RuntimeError, ValueError) as error:
            shared[1] = error
    broadcast_object_list(shared)
    if shared[1] is not None:
        raise shared[1]
    return shared[0]


def _stoppers(runner: Runner) -> List[EarlyStoppingHook]:
    return [
        hook for hook in runner.hooks if isinstance(hook, EarlyStoppingHook)
    ]


def _validation_is_due(runner: Runner, resumed: Dict[str, Any]) -> bool:
    """Whether a training without interruption validated right here."""
    loop = runner.train_loop
    if runner.val_loop is None or not hasattr(loop, 'val_interval') \
            or 'validated' not in resumed:
        return False
    by_epoch = isinstance(loop, EpochBasedTrainLoop)
    if by_epoch and not resumed['epoch_end']:
        return False
    done, last = ((loop.epoch, loop.max_epochs) if by_epoch else
                  (loop.iter, loop.max_iters))
    loop._decide_current_val_interval()
    return done >= loop.val_begin and (done % loop.val_interval == 0
                                       or done == last)


def pending_gradients(runner: Runner) -> Optional[List[Dict[str, Tensor]]]:
    """Gradients that were accumulated and not used yet.

    Returns:
        list[dict[str, Tensor]]: For each process, the gradient of each
        parameter that has one; None between steps.
    """
    wrapper = runner.optim_wrapper
    if not isinstance(wrapper, OptimWrapper) \
            or wrapper._inner_count % wrapper._accumulative_counts == 0:
        return None
    own = {
        name: parameter.grad.detach().cpu().clone()
        for name, parameter in unwrap(runner.model).named_parameters()
        if parameter.grad is not None
    }
    return all_gather_object(own) if own else None


def restore_gradients(runner: Runner, gradients: List[Dict[str,
                                                           Tensor]]) -> None:
    """Put accumulated gradients back.

    Args:
        runner (Runner): Of the training that goes on.
        gradients (list[dict]): Of :func:`pending_gradients`, in another
            number of processes perhaps: those of the first then are
            nobody's.
    """
    rank = get_rank()
    if rank >= len(gradients):
        print_log(
            f'gradients were accumulated in {len(gradients)} processes: '
            f'process {rank} begins without any',
            logger='current',
            level=logging.WARNING)
        return
    for name, parameter in unwrap(runner.model).named_parameters():
        if name in gradients[rank]:
            parameter.grad = gradients[rank][name].to(parameter.device)
