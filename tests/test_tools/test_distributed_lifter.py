# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Two processes train a real lifter as one process does."""
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mmdiffpose.checkpoints.safe_classes import load_safely

ROOT = Path(__file__).parents[2]
CONFIG = 'tests/test_tools/distributed_mini.py'


def run(*command):
    environment = dict(
        os.environ,
        OMP_NUM_THREADS='1',
        PYTHONPATH=str(ROOT),
        PATH=f'{Path(sys.executable).parent}{os.pathsep}{os.environ["PATH"]}')
    done = subprocess.run([str(part) for part in command],
                          cwd=ROOT,
                          env=environment,
                          text=True,
                          capture_output=True)
    if done.returncode:
        pytest.fail(done.stdout[-3000:] + done.stderr[-3000:])


def weights(folder):
    return load_safely(folder / 'epoch_1.pth')['state_dict']


def test_two_processes_equal_one_with_the_same_global_batch(tmp_path):
    run(sys.executable, 'tools/train.py', CONFIG, '--work-dir',
        tmp_path / 'one', '--cfg-options', 'train_dataloader.batch_size=16')
    run('bash', 'tools/dist_train.sh', CONFIG, 2, '--work-dir',
        tmp_path / 'two', '--cfg-options', 'train_dataloader.batch_size=8')
    one, two = weights(tmp_path / 'one'), weights(tmp_path / 'two')
    moved = 0
    for key, value in one.items():
        torch.testing.assert_close(two[key], value, atol=2e-5, rtol=1e-4)
        moved += int('output.linear.weight' in key and value.abs().max() > 0)
    assert moved == 1, 'the head did not train'
