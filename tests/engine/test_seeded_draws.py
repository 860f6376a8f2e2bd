# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What is drawn hangs on seed, epoch and index alone."""
import copy
import os
import pickle
import random
import signal
import time

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import DefaultSampler, InfiniteSampler
from torch.utils.data import DataLoader, Dataset, IterableDataset

from mmdiffpose.datasets.epoch_index import EpochIndex
from mmdiffpose.engine.resumable import make_resumable
from mmdiffpose.engine.seeded_draws_hook import _Passes
from mmdiffpose.engine.seeded_loading import (SeededBatches, SeededDataset,
                                              seed_loader)


class Drawing(Dataset):
    """A number of each generator, beside the index."""
    name = 'drawing'

    def __len__(self):
        return 10

    def __getitem__(self, index):
        assert type(index) is int
        return np.array(
            [index,
             random.random(),
             np.random.rand(),
             float(torch.rand(()))])


class Pieces(Drawing):
    """Makes batches in one piece."""
    takes_epoch = True

    def __getitems__(self, indices):
        return [(i.epoch, int(i), np.random.rand()) for i in indices]


def loader(batch_size=4, workers=0, sampler=None, data=None, **kwargs):
    data = data or Drawing()
    return DataLoader(
        data,
        batch_size=batch_size,
        num_workers=workers,
        collate_fn=list,
        sampler=sampler or DefaultSampler(data, shuffle=True, seed=3),
        persistent_workers=workers > 0,
        **kwargs)


def epochs(made, numbers, seed=7, skip=0):
    batches = seed_loader(made, seed)
    found = []
    for epoch in numbers:
        made.sampler.set_epoch(epoch)
        batches.epoch, batches.skip = epoch, skip
        found += [list(map(list, batch)) for batch in made]
    return found


def test_the_same_in_any_worker_batch_and_after_any_start():
    straight = epochs(loader(), [0, 1, 2])
    assert epochs(loader(workers=2), [0, 1, 2]) == straight
    assert epochs(loader(), [1, 2]) == straight[3:]
    assert epochs(loader(workers=1), [1], skip=2) == straight[5:6]
    assert epochs(loader(), [1], skip=3) == []
    flat = [row for batch in straight for row in batch]
    assert [
        row for batch in epochs(loader(batch_size=3), [0, 1, 2])
        for row in batch
    ] == flat
    # Each sample of each epoch, and another seed, has draws of its own.
    assert len({tuple(row[1:]) for row in flat}) == 30
    other = epochs(loader(), [0], seed=8)
    assert [row[0] for batch in other
            for row in batch] == [row[0] for row in flat[:10]]
    assert other[0][0][1] != flat[0][1]


def test_batches_in_one_piece_know_the_epoch():
    found = epochs(loader(data=Pieces()), [4])
    assert {row[0] for batch in found for row in batch} == {4}
    assert epochs(loader(data=Pieces(), workers=1), [4]) == found


def test_an_endless_sampler_draws_anew_in_each_pass():
    data = Drawing()
    made = loader(sampler=InfiniteSampler(data, seed=1))
    batches = seed_loader(made, 7)
    rows = []
    for batch in made:
        rows += map(tuple, batch)
        if len(rows) >= 40:
            break
    assert sorted(row[0] for row in rows[:20]) == sorted([*range(10)] * 2)
    assert len({row[1:] for row in rows}) == 40
    assert batches.epoch == 0


@pytest.mark.parametrize('kind', [DefaultSampler, InfiniteSampler])
@pytest.mark.parametrize('start', [0, 2, 3, 7])
def test_a_training_by_iterations_begins_anywhere(kind, start):

    def take(count, first):
        data = Drawing()
        made = loader(sampler=kind(data, seed=1))
        passes = _Passes(made, seed_loader(made, 7), first)
        return [next(passes) for _ in range(count)]

    straight = take(9, 0)
    found = take(9, start)
    assert found[:start] == [None] * start
    for first, second in zip(straight[start:], found[start:]):
        np.testing.assert_array_equal(first, second)


def test_the_data_set_is_reached_through():
    data = Drawing()
    made = loader(data=data)
    batches = seed_loader(made, 1)
    assert made.dataset.name == 'drawing' and len(made.dataset) == 10
    assert made.dataset.dataset is data and len(made) == 3
    # Once is enough; a later seed counts.
    assert seed_loader(made, 2) is batches
    assert made.dataset.dataset is data and made.dataset.seed == 2
    assert copy.deepcopy(made.dataset) is made.dataset
    spawned = pickle.loads(pickle.dumps(made.dataset))
    assert spawned[3].tolist() == made.dataset[3].tolist()
    with pytest.raises(AttributeError):
        made.dataset.absent
    assert isinstance(batches, SeededBatches) and batches.drop_last is False


class Large(Drawing):
    """More than a pipe holds, as bytes."""

    def __getitem__(self, index):
        return os.getpid(), bytes(1_000_000)


def test_workers_end_with_a_training_that_was_killed(tmp_path):
    note = tmp_path / 'worker'
    child = os.fork()
    if child == 0:
        made = loader(data=Large(), workers=1)
        seed_loader(made, 1)
        worker = next(iter(made))[0][0]
        note.write_text(str(worker))
        time.sleep(.2)  # the next batches are on their way
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    worker = int(note.read_text())
    for _ in range(600):
        try:
            os.kill(worker, 0)
        except ProcessLookupError:
            break
        time.sleep(.1)
    else:
        os.kill(worker, signal.SIGKILL)
        pytest.fail('the worker has outlived its training by a minute')


def test_what_workers_did_first_they_still_do():
    made = loader(data=Drawing(), workers=1)
    started = []
    made.worker_init_fn = started.append
    seed_loader(made, 1)
    made.worker_init_fn.start(3)
    assert started == [3]


def test_data_without_indices_are_left_alone():

    class Stream(IterableDataset):

        def __iter__(self):
            yield from range(3)

    made = DataLoader(Stream())
    assert seed_loader(made, 1) is None
    assert not isinstance(made.dataset, SeededDataset)


def test_an_index_that_says_the_epoch_is_an_int():
    index = pickle.loads(pickle.dumps(EpochIndex(3, 12)))
    assert index == 12 and index.window == 12 and index.epoch == 3
    assert str(index) == '12' and list(range(20))[index] == 12


def names(hooks):
    return [hook['type'] for hook in hooks]


def test_any_config_is_made_resumable():
    plain = Config(dict(default_hooks=dict(logger=None), custom_hooks=[]))
    make_resumable(plain)
    assert plain.default_hooks.checkpoint == dict(
        type='SafeCheckpointHook', interval=1, _scope_='mmdiffpose')
    assert names(
        plain.custom_hooks) == ['ResumedScheduleHook', 'SeededDrawsHook']
    own = Config(
        dict(
            default_hooks=dict(
                checkpoint=dict(type='CheckpointHook', interval=7),
                draws=dict(type='mmdiffpose.SeededDrawsHook')),
            custom_hooks=[dict(type='mmdiffpose.ResumedScheduleHook')]))
    make_resumable(own)
    assert own.default_hooks.checkpoint.type == 'SafeCheckpointHook'
    assert own.default_hooks.checkpoint.interval == 7
    assert names(own.custom_hooks) == ['mmdiffpose.ResumedScheduleHook']
    none = Config(dict(default_hooks=dict(checkpoint=None)))
    make_resumable(none)
    assert none.default_hooks.checkpoint is None
