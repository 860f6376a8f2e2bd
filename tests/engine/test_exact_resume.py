# Copyright (c) mmdiffpose contributors. All rights reserved.
"""A training that was interrupted ends bit by bit as one that was not."""
import os
import socket
from pathlib import Path

import pytest
import torch
from checkpoint_comparison import differences
from small_training import ENCODER, Watch, diffpose_config, run, small_config

from mmdiffpose.cli.launching import leave_process_group

ENCODER_CONFIG = 'mixste_mini-27'
EMA = dict(type='EMAHook', ema_type='ExpMomentumEMA', momentum=.1)
KEEP = {'default_hooks.checkpoint.max_keep_ckpts': 9}


def interrupted(cfg, *stops):
    """Train until each stop, then to the end; what was trained on."""
    seen = {}
    for number in range(len(stops) + 1):
        stop = stops[number] if number < len(stops) else {}
        watch = run(cfg, resume=number > 0, watch=Watch(**stop))
        # What the interruption has undone is done again, alike.
        for iteration, ids, digest in watch.seen:
            assert seen.setdefault(iteration, (ids, digest)) == (ids, digest)
    return seen


def check(straight, cfg, name, *stops):
    expected = run(straight).seen
    seen = interrupted(cfg, *stops)
    assert [(i, *seen[i]) for i in sorted(seen)] == expected
    folders = [straight.work_dir, cfg.work_dir]
    assert differences(*(f'{folder}/{name}' for folder in folders)) == []


def pair(tmp_path, options, ema=True, second=None):
    made = []
    for name, own in (('straight', {}), ('resumed', second or {})):
        cfg = small_config(ENCODER_CONFIG, tmp_path / name, {
            **ENCODER,
            **options,
            **own
        })
        if ema:
            cfg.custom_hooks = [*cfg.custom_hooks, EMA]
        made.append(cfg)
    return made


def test_at_epochs_in_any_number_of_workers(tmp_path):
    workers = {
        'train_dataloader.num_workers': 2,
        'train_dataloader.persistent_workers': True
    }
    straight, resumed = pair(tmp_path, KEEP, second=workers)
    # In the second epoch, and in the validation after it.
    check(straight, resumed, 'epoch_3.pth', dict(stop_at=4), dict(stop_in=2))
    for name in ('epoch_1.pth', 'epoch_2.pth'):
        assert differences(*(f'{cfg.work_dir}/{name}'
                             for cfg in (straight, resumed))) == []


ACCUMULATE = {'optim_wrapper.accumulative_counts': 4}


def test_within_an_epoch_between_two_steps(tmp_path):
    every = {
        **ACCUMULATE, 'default_hooks.checkpoint.by_epoch': False,
        'default_hooks.checkpoint.max_keep_ckpts': 3
    }
    straight, resumed = pair(tmp_path, every, ema=False)
    # After one, and after all batches of an epoch.
    check(straight, resumed, 'iter_9.pth', dict(stop_at=4), dict(stop_at=6))


@pytest.mark.parametrize('sampler', ['DefaultSampler', 'InfiniteSampler'])
def test_a_training_by_iterations(tmp_path, sampler):
    straight, resumed = pair(
        tmp_path, {
            **ACCUMULATE,
            'default_hooks.checkpoint.by_epoch': False,
            'train_dataloader.sampler.type': sampler,
            'train_dataloader.num_workers': 1,
        })
    for cfg in (straight, resumed):
        cfg.train_cfg = dict(by_epoch=False, max_iters=8, val_interval=5)
    check(straight, resumed, 'iter_8.pth', dict(stop_at=5))


def test_both_stages_of_diffpose(tmp_path):
    straight, resumed = (
        diffpose_config(tmp_path / name) for name in ('straight', 'resumed'))
    # In the first stage's second epoch, in the second stage's.
    check(straight, resumed, 'epoch_2.pth', dict(stop_after=4),
          dict(stop_at=4))
    assert differences(*(f'{cfg.work_dir}/context/epoch_2.pth'
                         for cfg in (straight, resumed))) == []


def two_processes(rank, folder, port):
    os.environ.update(
        RANK=str(rank),
        LOCAL_RANK=str(rank),
        WORLD_SIZE='2',
        MASTER_ADDR='127.0.0.1',
        MASTER_PORT=str(port))
    options = {
        **ACCUMULATE, 'default_hooks.checkpoint.by_epoch': False,
        'train_dataloader.batch_size': 2,
        'env_cfg.dist_cfg.backend': 'gloo',
        'launcher': 'pytorch'
    }
    straight, resumed = pair(Path(folder), options)
    run(straight)
    interrupted(resumed, dict(stop_at=4))
    leave_process_group()


def test_two_processes(tmp_path):
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    torch.multiprocessing.spawn(
        two_processes, args=(str(tmp_path), port), nprocs=2)
    files = [
        tmp_path / name / 'iter_9.pth' for name in ('straight', 'resumed')
    ]
    assert differences(*files) == []
