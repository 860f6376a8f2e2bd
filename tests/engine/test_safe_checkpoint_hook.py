# Copyright (c) mmdiffpose contributors. All rights reserved.
"""A training that is killed at any step of a save."""
import os
import tempfile
from pathlib import Path
from unittest import mock

import pytest
import tiny_project  # noqa: F401
from checkpoint_comparison import differences
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from small_training import Watch, run
from tool_fixtures import TINY_CONFIG

from mmdiffpose.checkpoints.safe_classes import load_safely
from mmdiffpose.engine.safe_checkpoint_hook import PROGRESS, _once

OPERATIONS = ((tempfile, 'mkstemp'), (os, 'fsync'), (os, 'replace'),
              (os, 'remove'))


class Killed(BaseException):
    """SIGKILL: nothing is cleaned up."""


class Disk:
    """Counts what is done to files, and ends all of it at one of them.

    Args:
        last: Operations that are done.
    """

    def __init__(self, last=10**9):
        self.last, self.done = last, []

    def __enter__(self):
        self.patches = [
            mock.patch.object(module, name, self.wrap(module, name))
            for module, name in OPERATIONS
        ] + [mock.patch.object(Path, 'unlink', self.unlink(Path.unlink))]
        for patch in self.patches:
            patch.start()
        return self

    def __exit__(self, kind, *rest):
        for patch in self.patches:
            patch.stop()
        return kind is Killed

    def count(self, name):
        if len(self.done) >= self.last:
            raise Killed
        self.done.append(name)

    def wrap(self, module, name):
        function = getattr(module, name)

        def wrapped(*args, **kwargs):
            self.count(name)
            return function(*args, **kwargs)

        return wrapped

    def unlink(self, function):

        def wrapped(path, *args, **kwargs):
            self.count('unlink')
            function(path, *args, **kwargs)

        return wrapped


def config(folder, epochs=2, hooks=()):
    text = TINY_CONFIG.replace(', deterministic=True', '')
    cfg = Config.fromstring(text, file_format='.py')
    cfg.work_dir = str(folder)
    cfg.log_level = 'ERROR'
    cfg.train_cfg = dict(by_epoch=True, max_epochs=epochs, val_interval=1)
    cfg.default_hooks = dict(
        logger=None,
        checkpoint=dict(
            type='CheckpointHook',
            interval=1,
            max_keep_ckpts=1,
            save_best='tiny/mse',
            rule='less'))
    cfg.custom_hooks = list(hooks)
    return cfg


def files(folder):
    return sorted(
        p.name for p in folder.iterdir()
        if p.suffix in ('.pth',
                        '') and p.is_file() and p.name != '.training_lock')


def test_killed_at_every_file_operation(tmp_path):
    straight = tmp_path / 'straight'
    cfg = config(straight)
    with Disk() as disk:
        run(cfg)
    # Each epoch's checkpoint is written twice, its best, and the pointer.
    saves = disk.done.count('replace')
    assert saves == 2 * (2 * 2 + 1) and disk.done.count('remove') == 2
    expected = files(straight)
    assert expected == [
        'best_tiny_mse_epoch_2.pth', 'epoch_2.pth', 'last_checkpoint'
    ]
    for last, operation in enumerate(disk.done):
        folder = tmp_path / f'killed_{last}'
        cfg = config(folder)
        with Disk(last):
            run(cfg)
        run(cfg, resume=True)
        assert files(folder) == expected, (last, operation)
        for name in expected[:2]:
            assert differences(straight / name, folder / name) == [], last


def test_a_full_disk_costs_no_checkpoint(tmp_path, monkeypatch):
    cfg = config(tmp_path)
    run(cfg, watch=Watch(stop_at=4))
    before = (tmp_path / 'epoch_1.pth').read_bytes()

    def full(descriptor):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(os, 'fsync', full)
    with pytest.raises(
            OSError,
            match=r'epoch_2.pth could not be written .*\(No space left on '
            r'device\); checkpoints that were there before are as they were'):
        run(cfg, resume=True)
    assert (tmp_path / 'epoch_1.pth').read_bytes() == before
    assert files(tmp_path) == [
        'best_tiny_mse_epoch_1.pth', 'epoch_1.pth', 'last_checkpoint'
    ]


@HOOKS.register_module()
class Growing(Hook):
    """Lets a metric be best in the second epoch."""

    def after_val_epoch(self, runner, metrics=None):
        metrics['tiny/mse'] = (3., 1., 2., 2., 2., 2.)[runner.epoch - 1]


STOPPING = [
    dict(type='Growing', priority='VERY_HIGH'),
    dict(
        type='EarlyStoppingHook', monitor='tiny/mse', rule='less', patience=2)
]


@pytest.mark.parametrize(
    'stop',
    [
        # In the fourth epoch; right before and within its validation.
        dict(stop_at=13),
        dict(stop_in=4),
    ])
def test_early_stopping_goes_on_counting(tmp_path, stop):
    cfg = config(tmp_path, 6, STOPPING)
    run(cfg, watch=Watch(**stop))
    run(cfg, resume=True)
    # Two after the best one.
    assert files(tmp_path) == [
        'best_tiny_mse_epoch_2.pth', 'epoch_4.pth', 'last_checkpoint'
    ]
    progress = load_safely(tmp_path / 'epoch_4.pth')['meta'][PROGRESS]
    assert progress == dict(
        validated=True, epoch_end=True, stopped=True, stopping=[[2, 1.]])
    # One that has stopped stays so.
    assert run(cfg, resume=True).seen == []


def test_an_error_of_the_main_process_is_all_processes_error():

    def fail():
        raise RuntimeError('the folder is taken')

    assert _once(lambda: 5) == 5
    with pytest.raises(RuntimeError, match='is taken'):
        _once(fail)
