# Copyright (c) mmdiffpose contributors. All rights reserved.
"""SIGKILL, again and again, to both stages of DiffPose.

    bash tools/run_tests.sh -m slow -s tests/engine/test_killed_training.py
"""
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from pathlib import Path

import pytest
from checkpoint_comparison import differences
from mmengine.runner import EpochBasedTrainLoop, ValLoop
from small_training import diffpose_config, run

KILLS = int(os.environ.get('MMDIFFPOSE_KILLS', '30'))
OPERATIONS = ((tempfile, 'mkstemp'), (os, 'fsync'), (os, 'replace'),
              (os, 'remove'))


def kill():
    os.kill(os.getpid(), signal.SIGKILL)


def before(owner, name, action):
    """Do something before each call of a function."""
    function = getattr(owner, name)

    def wrapped(*args, **kwargs):
        action()
        return function(*args, **kwargs)

    setattr(owner, name, wrapped)


def countdown(number):
    left = [number]

    def count():
        left[0] -= 1
        if left[0] < 0:
            kill()

    return count


def arm(kind, rng):
    """Let this process die; each life should see some work done."""
    if kind == 'at a file operation':
        at = countdown(rng.randrange(16))
        for module, name in OPERATIONS:
            before(module, name, at)
    elif kind == 'in a training step':
        # Somewhere within what follows the n-th one, saves included.
        left = [rng.randrange(8)]

        def step():
            left[0] -= 1
            if left[0] == -1:
                threading.Timer(rng.uniform(0, .2), kill).start()

        before(EpochBasedTrainLoop, 'run_iter', step)
    elif kind == 'in a validation':
        before(ValLoop, 'run_iter', countdown(rng.randrange(2)))
    else:  # at any time, while it starts too
        threading.Timer(rng.uniform(0, 4), kill).start()
        before(EpochBasedTrainLoop, 'run_iter', countdown(9))


KINDS = ('at a file operation', 'in a training step', 'in a validation',
         'at any time')


def live(cfg, log, kind=None, rng=None):
    """Train in a process of its own; whether it came to its end."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        file = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        os.dup2(file, 1)
        os.dup2(file, 2)
        status = 1
        try:
            if kind is not None:
                arm(kind, rng)
            run(cfg, resume=True)
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    assert status in (0, signal.SIGKILL), log.read_text()[-3000:]
    return status == 0


def whole(folder):
    """What a training leaves that is not its own log."""
    return sorted(
        str(path.relative_to(folder)) for path in folder.rglob('*')
        if path.suffix in (
            '.pth', '') and path.is_file() and path.name != '.training_lock')


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, 'fork'), reason='needs fork')
def test_killed_again_and_again(tmp_path):

    def config(name, workers):
        cfg = diffpose_config(tmp_path / name, epochs=30)
        for loader in (cfg.train_dataloader, cfg.train_cfg.context_options):
            prefix = 'train_dataloader.' if 'batch_size' not in loader else ''
            loader[f'{prefix}num_workers'] = workers
            loader[f'{prefix}persistent_workers'] = workers > 0
        return cfg

    straight, killed = config('straight', 0), config('killed', 1)
    assert live(straight, tmp_path / 'straight.log')
    rng = random.Random(int(os.environ.get('MMDIFFPOSE_SEED', '0')))
    begin, lives, kills = time.time(), 0, Counter()
    log = tmp_path / 'killed.log'
    while True:
        lives += 1
        number = sum(kills.values())
        kind = KINDS[number % len(KINDS)] if number < KILLS else None
        if live(killed, log, kind, random.Random(rng.random())):
            break
        kills[kind] += 1
    folders = [Path(cfg.work_dir) for cfg in (straight, killed)]
    files = whole(folders[0])
    assert whole(folders[1]) == files
    compared = [name for name in files if name.endswith('.pth')]
    found = {
        name: differences(folders[0] / name, folders[1] / name)
        for name in compared
    }
    print(f'\n{sum(kills.values())} kills ({dict(kills)}) in '
          f'{time.time() - begin:.0f} s; {len(compared)} checkpoint files '
          f'compared, {sum(map(bool, found.values()))} differ')
    assert not any(found.values()), found
    assert sum(kills.values()) == KILLS
    shutil.rmtree(tmp_path, ignore_errors=True)
