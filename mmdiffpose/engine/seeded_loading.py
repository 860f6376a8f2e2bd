# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Draws of a data set that hang on the seed, the epoch and the index."""

import os
import random
import threading
import time
from typing import Any, Callable, Iterator, List, Optional

import numpy as np
import torch
from mmengine.dist import get_dist_info
from torch.utils.data import DataLoader, Dataset

from mmdiffpose.datasets.epoch_index import EpochIndex
from mmdiffpose.diffusion.noise import seed_from


def seed_everything(*identity: object) -> None:
    """Seed Python's, NumPy's and torch's generators of this process.

    Args:
        *identity: What the draws hang on, of a stable ``str``.
    """
    seed = seed_from(*identity)
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


class SeededDataset(Dataset):
    """A data set whose global generators are seeded for each sample.

    Whatever transforms draw from Python's, NumPy's or torch's generator is
    the same in any worker, batch and order, and after any restart. All else
    of the data set is reached through this one.

    Args:
        dataset: With ``__getitem__``, and ``__getitems__`` if it makes
            batches in one piece.
        seed: Of the run.
    """

    def __init__(self, dataset: Any, seed: int) -> None:
        self.dataset = dataset
        self.seed = seed

    def __getattr__(self, name: str) -> Any:
        """Anything else is the data set's."""
        if name.startswith('__') or name == 'dataset':
            raise AttributeError(name)
        return getattr(self.dataset, name)

    def __deepcopy__(self, memo: dict) -> 'SeededDataset':
        """Loaders of one run share their data."""
        return self

    def __len__(self) -> int:
        """As the data set's."""
        return len(self.dataset)

    def __getitem__(self, index: Any) -> Any:
        """The sample, drawn by seed, epoch and index."""
        return self.dataset[self._begin(index)]

    @property
    def __getitems__(self) -> Any:
        """Batches in one piece; None where the data set makes none."""
        make: Any = getattr(self.dataset, '__getitems__', None)

        def get(indices: List[Any]) -> Any:
            self._begin(indices[0])
            return make(indices)

        return None if make is None else get

    def _begin(self, index: Any) -> Any:
        """Seed, and return the index as the data set knows it."""
        seed_everything(self.seed, 'sample', getattr(index, 'epoch', 0), index)
        if isinstance(index, EpochIndex) and not getattr(
                self.dataset, 'takes_epoch', False):
            return int(index)
        return index


class SeededBatches:
    """The batches of a sampler, whose indices know the epoch.

    Args:
        batches: The loader's batch sampler.
        size: Samples of the data set.

    Attributes:
        epoch: That of the pass which begins next.
        skip: Batches that the next pass leaves out: a run that is resumed
            within an epoch has been trained on them.
    """

    def __init__(self, batches: Any, size: int) -> None:
        self.batches = batches
        self.size = max(size, 1)
        self.epoch = 0
        self.skip = 0

    def __getattr__(self, name: str) -> Any:
        """Anything else is the batch sampler's."""
        if name.startswith('__') or name == 'batches':
            raise AttributeError(name)
        return getattr(self.batches, name)

    def __len__(self) -> int:
        """Batches of a whole pass."""
        return len(self.batches)

    def __iter__(self) -> Iterator[List[Any]]:
        """One pass, once without the batches to skip."""
        epoch, (skip, self.skip) = self.epoch, (self.skip, 0)
        rank, world = get_dist_info()
        place = rank
        for number, batch in enumerate(self.batches):
            marked = []
            for index in batch:
                # An endless sampler goes through the data again and again.
                number_of_pass = epoch + place // self.size
                place += world
                marked.append(_mark(index, number_of_pass))
            if number >= skip:
                yield marked


class WorkerStart:
    """What a loader's worker does first.

    A worker of PyTorch looks whether its training still lives, ends, and at
    its very end waits for the batch that it was sending, to nobody: where
    batches are larger than a pipe holds, it waits for ever, with its memory.
    Here it ends a second after its training, however that was ended.

    Args:
        start: What the loader's workers did first, called with a number.
    """

    def __init__(self, start: Optional[Callable[[int], None]]) -> None:
        self.start = start

    def __call__(self, number: int) -> None:
        """Begin to watch the training."""
        threading.Thread(
            target=_end_with, args=(os.getppid(), ), daemon=True).start()
        if self.start is not None:
            self.start(number)


def _end_with(parent: int) -> None:
    """End this process when its parent has ended."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def _mark(index: Any, epoch: int) -> Any:
    """An index that says the epoch, where it is a number that does not."""
    if isinstance(index, EpochIndex) or not isinstance(index,
                                                       (int, np.integer)):
        return index
    return EpochIndex(epoch, int(index))


def seed_loader(loader: DataLoader, seed: int) -> Optional[SeededBatches]:
    """Let a loader's draws hang on seed, epoch and index; in place.

    Args:
        loader: Whose workers have not started.
        seed: Of the run.

    Returns:
        What says the loader the epoch. None where it loads what has no
        indices, or no batches, and nothing was done.
    """
    parts = vars(loader)
    if isinstance(loader.dataset, SeededDataset):
        loader.dataset.seed = seed
        if isinstance(loader.batch_sampler, SeededBatches):
            return loader.batch_sampler
    if loader.batch_sampler is None or isinstance(
            loader.dataset, torch.utils.data.IterableDataset):
        return None
    # PyTorch forbids another data set by an assignment, because a running
    # iterator would not see it. There is none yet.
    if not isinstance(loader.dataset, SeededDataset):
        parts['dataset'] = SeededDataset(loader.dataset, seed)
    loader.worker_init_fn = WorkerStart(loader.worker_init_fn)
    data: Any = loader.dataset
    batches = SeededBatches(loader.batch_sampler, len(data))
    parts['batch_sampler'] = batches
    return batches
