# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Random draws of a training that an interruption does not change."""

import logging
from typing import Any, Iterator, Optional

from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop, Runner
from torch.utils.data import DataLoader

from mmdiffpose.registry import HOOKS
from .seeded_loading import SeededBatches, seed_everything, seed_loader

ENDLESS = ('InfiniteSampler', 'MultiSourceSampler')
"""Samplers of MMEngine and MMPose that never come to an end."""


@HOOKS.register_module()
class SeededDrawsHook(Hook):
    """Let all that is drawn hang on the seed and on where the training is.

    MMEngine seeds once, at the start, and saves no state of generators: a
    resumed run draws what the run's beginning drew. With this hook

    - what a training step draws (dropout, stochastic depth, noise) hangs on
      the seed and the iteration,
    - what transforms draw for a sample hangs on the seed, the epoch and the
      sample's index, in any number of workers and batches of any size; in a
      validation on the seed and the index,
    - a run that is resumed within an epoch goes on with the epoch's next
      batch, where MMEngine begins the epoch again; in a training by
      iterations without loading what it has been trained on,
    - the order of the data is that of the checkpoint's seed.

    A resumed training is thus, on a CPU, bit by bit the one that was never
    interrupted, together with
    :class:`~mmdiffpose.engine.SafeCheckpointHook`. Processes draw the same
    numbers, as MMEngine seeds them, unless ``randomness.diff_rank_seed``.
    """

    # After all hooks that might draw themselves.
    priority = 'LOWEST'

    def __init__(self) -> None:
        self._seed: Optional[int] = None
        self._batches: Optional[SeededBatches] = None
        self._resumed = False

    def before_run(self, runner: Runner) -> None:
        """Remember the seed that loaders were built with."""
        self._seed, self._resumed = runner.seed, False

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Note that iterations lie behind."""
        self._resumed = bool(runner._resume)

    def before_train(self, runner: Runner) -> None:
        """Prepare the loaders, before any of their workers start."""
        loop = runner.train_loop
        by_iteration = isinstance(loop, IterBasedTrainLoop)
        self._batches = seed_loader(loop.dataloader, runner.seed)
        if self._batches is None:
            print_log(
                f'{type(loop.dataloader.dataset).__name__} has no indices, or '
                'its loader no batches: what is drawn for its samples is '
                'another after an interruption',
                logger='current',
                level=logging.WARNING)
        elif by_iteration or runner.seed != self._seed:
            # The sampler was built with another seed, or has been asked.
            loop.dataloader = _built_anew(runner, loop.dataloader)
            self._batches = seed_loader(loop.dataloader, runner.seed)
        if by_iteration and self._batches is not None:
            # Workers of MMEngine's iterator know nothing of this.
            loop.dataloader._iterator = None
            loop.dataloader_iterator = _Passes(loop.dataloader, self._batches,
                                               loop.iter)
        if runner.val_loop is not None:
            seed_loader(runner.val_loop.dataloader, runner.seed)

    def before_train_epoch(self, runner: Runner) -> None:
        """Say which epoch begins, and what of it is done."""
        loop = runner.train_loop
        if self._batches is None or not isinstance(loop, EpochBasedTrainLoop):
            return
        self._batches.epoch, self._batches.skip = runner.epoch, 0
        if not self._resumed:
            return
        self._resumed = False
        length = len(loop.dataloader)
        done = runner.iter - runner.epoch * length
        if 0 <= done <= length:
            self._batches.skip = done
            return
        print_log(
            f'the checkpoint has {runner.iter} iterations in {runner.epoch} '
            f'epochs, and an epoch has {length} by now: going on with the '
            'beginning of an epoch',
            logger='current',
            level=logging.WARNING)

    def before_train_iter(self,
                          runner: Runner,
                          batch_idx: int,
                          data_batch: Optional[dict] = None) -> None:
        """Seed for the step."""
        seed_everything(runner.seed, 'iteration', runner.iter)

    def before_val_epoch(self, runner: Runner) -> None:
        """Seed for a validation; each one draws the same."""
        seed_everything(runner.seed, 'validation')


def _built_anew(runner: Runner, loader: DataLoader) -> DataLoader:
    """A loader with the same data set and a fresh sampler.

    One that was given as an object, not as a config, stays.
    """
    settings = runner.cfg.get('train_dataloader')
    if settings is None or 'dataset' not in settings:
        return loader
    settings = {
        key: value
        for key, value in settings.items() if key != 'num_batch_per_epoch'
    }
    settings['dataset'] = loader.dataset
    # A sampler without a seed draws one.
    seed_everything(runner.seed, 'sampler')
    return runner.build_dataloader(
        settings,
        seed=runner.seed,
        diff_rank_seed=runner._randomness_cfg.get('diff_rank_seed', False))


class _Passes:
    """The batches of a training by iterations, pass after pass.

    Takes the place of MMEngine's iterator, whose batches a resumed loop
    takes and drops, loaded; here those are None.

    Args:
        loader: The training's.
        batches: Its batches.
        start: Iterations that lie behind.
    """

    def __init__(self, loader: DataLoader, batches: SeededBatches,
                 start: int) -> None:
        self._loader, self._batches = loader, batches
        self._behind = self._skip = start
        self._epoch = 0
        self._iterator: Optional[Iterator[Any]] = None

    def __iter__(self) -> '_Passes':
        """Itself."""
        return self

    def __next__(self) -> Any:
        """The next batch; None for one that lies behind."""
        if self._behind:
            self._behind -= 1
            return None
        if self._iterator is None:
            self._find_start()
        for _ in range(2):
            batch = next(self._begin(), None)
            if batch is not None:
                return batch
            self._epoch, self._iterator = self._epoch + 1, None
        raise ValueError('train_dataloader has no batch')

    def _find_start(self) -> None:
        """Where the first batch to train on is."""
        names = [kind.__name__ for kind in type(self._loader.sampler).__mro__]
        if not any(name in ENDLESS for name in names) and len(self._batches):
            passes, self._skip = divmod(self._skip, len(self._batches))
            self._epoch += passes

    def _begin(self) -> Iterator[Any]:
        if self._iterator is None:
            sampler = self._loader.sampler
            for part in (sampler, getattr(self._batches, 'sampler', sampler)):
                if hasattr(part, 'set_epoch'):
                    part.set_epoch(self._epoch)
            self._batches.epoch = self._epoch
            self._batches.skip, self._skip = self._skip, 0
            self._iterator = iter(self._loader)
        return self._iterator
