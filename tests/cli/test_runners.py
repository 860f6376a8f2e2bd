# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Train, resume and test a tiny model through the command line."""

import json
import shutil
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any, Callable

import pytest
import torch
from tiny_project import LEFT

import mmdiffpose  # noqa: F401  so that checkpoints load here, too
from mmdiffpose.checkpoints.safe_classes import load_safely

Run = Callable[..., CompletedProcess]


def _weights(work_dir: Path) -> torch.Tensor:
    checkpoint: Any = load_safely(work_dir / 'epoch_3.pth')
    return checkpoint['state_dict']['layer.weight']


def _check(result: CompletedProcess) -> CompletedProcess:
    assert result.returncode == 0, result.stdout + result.stderr
    return result


def test_two_processes_equal_one_and_a_resumed_one(run_tool: Run,
                                                   tiny_config: Path,
                                                   tmp_path: Path) -> None:
    """The same global batch and seed: the same model, up to rounding.

    Adam's steps depend on gradients alone, so a wrong average over the
    processes, another order of samples or an optimiser that wasn't resumed
    changes the weights in the first digits.
    """
    single, double, resumed = (tmp_path / n for n in ('one', 'two', 'parts'))
    _check(
        run_tool('train.py', tiny_config, '--work-dir', single, '--seed', 3))
    both = _check(
        run_tool('dist_train.sh', tiny_config, 2, '--work-dir', double,
                 '--seed', 3, '--cfg-options',
                 'train_dataloader.batch_size=2'))
    if not torch.cuda.is_available():
        assert 'gloo' in both.stdout + both.stderr
    assert both.stdout.count(LEFT) == 2
    torch.testing.assert_close(_weights(double), _weights(single))

    # As an interruption in the third epoch leaves the folder.
    resumed.mkdir()
    shutil.copy(single / 'epoch_2.pth', resumed)
    (resumed / 'last_checkpoint').write_text(str(resumed / 'epoch_2.pth'))
    _check(
        run_tool('train.py', tiny_config, '--work-dir', resumed, '--seed', 3,
                 '--resume'))
    torch.testing.assert_close(_weights(resumed), _weights(single))

    # A checkpoint with its log history, tested by one process and by two.
    out = tmp_path / 'metrics folder' / 'single.json'
    checkpoint = single / 'epoch_3.pth'
    _check(
        run_tool('test.py', tiny_config, checkpoint, '--work-dir', single,
                 '--out', out))
    metrics = json.loads(out.read_text())
    shared = tmp_path / 'double.json'
    tested = _check(
        run_tool('dist_test.sh', tiny_config, checkpoint, 2, '--work-dir',
                 single, '--out', shared))
    assert tested.stdout.count(LEFT) == 2
    assert json.loads(shared.read_text()) == pytest.approx(metrics)
    assert 0 < metrics['tiny/mse'] < 13


@pytest.mark.parametrize('arguments', [(), ('0', ), ('--seed', '1')])
def test_dist_train_asks_for_the_number_of_processes(run_tool: Run,
                                                     tiny_config: Path,
                                                     arguments: tuple) -> None:
    result = run_tool('dist_train.sh', tiny_config, *arguments)
    assert result.returncode == 2
    assert 'usage: bash tools/dist_train.sh CONFIG PROCESSES' in result.stderr


def test_failure_of_a_process_is_the_failure_of_the_script(
        run_tool: Run, tmp_path: Path) -> None:
    result = run_tool('dist_train.sh', tmp_path / 'absent.py', 1)
    assert result.returncode != 0
    assert 'FileNotFoundError: there is no config' in result.stderr
