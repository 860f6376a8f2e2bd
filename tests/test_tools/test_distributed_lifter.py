# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Two processes, and two nodes, train a real lifter as one process does."""
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mmdiffpose.checkpoints.safe_classes import load_safely

ROOT = Path(__file__).parents[2]
CONFIG = 'tests/test_tools/distributed_mini.py'


def start(*command, **variables):
    environment = dict(
        os.environ,
        OMP_NUM_THREADS='1',
        PYTHONPATH=str(ROOT),
        PATH=f'{Path(sys.executable).parent}{os.pathsep}{os.environ["PATH"]}')
    environment.update(variables)
    return subprocess.Popen([str(part) for part in command],
                            cwd=ROOT,
                            env=environment,
                            text=True,
                            stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT)


def finish(process):
    output, _ = process.communicate()
    if process.returncode:
        pytest.fail(output[-6000:])
    return output


def run(*command, **variables):
    return finish(start(*command, **variables))


def weights(folder):
    return load_safely(folder / 'epoch_1.pth')['state_dict']


def free_port():
    with socket.socket() as one:
        one.bind(('127.0.0.1', 0))
        return str(one.getsockname()[1])


@pytest.fixture(scope='module')
def one(tmp_path_factory):
    """What one process makes of a batch of 16."""
    folder = tmp_path_factory.mktemp('one')
    run(sys.executable, 'tools/train.py', CONFIG, '--work-dir', folder,
        '--cfg-options', 'train_dataloader.batch_size=16')
    return weights(folder)


def check(found, expected):
    moved = 0
    for key, value in expected.items():
        torch.testing.assert_close(found[key], value, atol=2e-5, rtol=1e-4)
        moved += int('output.linear.weight' in key and value.abs().max() > 0)
    assert moved == 1, 'the head did not train'


def test_two_processes_equal_one_with_the_same_global_batch(one, tmp_path):
    run('bash', 'tools/dist_train.sh', CONFIG, 2, '--work-dir', tmp_path,
        '--cfg-options', 'train_dataloader.batch_size=8')
    check(weights(tmp_path), one)


def test_two_nodes_of_one_process_equal_one(one, tmp_path):
    port = free_port()
    nodes = [
        start(
            'bash',
            'tools/dist_train.sh',
            CONFIG,
            1,
            '--work-dir',
            tmp_path,
            '--cfg-options',
            'train_dataloader.batch_size=8',
            NNODES='2',
            NODE_RANK=rank,
            MASTER_ADDR='127.0.0.1',
            PORT=port) for rank in ('0', '1')
    ]
    for node in nodes:
        finish(node)
    check(weights(tmp_path), one)


@pytest.mark.parametrize('variables, resources', [
    (dict(GPUS='16'), ['--gres=gpu:8', '--ntasks-per-node=8', '--ntasks=16']),
    (dict(GPUS='2'), ['--gres=gpu:2', '--ntasks-per-node=2', '--ntasks=2']),
    (dict(GPUS='4', GPUS_PER_NODE='0'), ['--ntasks-per-node=1', '--ntasks=4']),
])
def test_slurm_gets_its_tasks(tmp_path, variables, resources):
    srun = tmp_path / 'srun'
    srun.write_text('#!/bin/sh\nfor one in "$@"; do echo "$one"; done\n'
                    'echo "port $MASTER_PORT"\n')
    srun.chmod(0o755)
    said = run(
        'bash',
        'tools/slurm_run.sh',
        'train.py',
        'gpu',
        'lift',
        CONFIG,
        '--work-dir',
        'out',
        SRUN_ARGS='--time=60 --exclusive',
        PORT='29511',
        PYTHON='py',
        **dict(variables, PATH=f'{tmp_path}{os.pathsep}{os.environ["PATH"]}'))
    assert said.splitlines() == [
        '--partition=gpu', '--job-name=lift', *resources, '--cpus-per-task=5',
        '--kill-on-bad-exit=1', '--time=60', '--exclusive', 'py', '-u',
        str(ROOT / 'tools/train.py'), CONFIG, '--work-dir', 'out',
        '--launcher', 'slurm', 'port 29511'
    ]


def test_slurm_without_a_job_says_how(tmp_path):
    process = start('bash', 'tools/slurm_run.sh', 'infer.py', 'gpu')
    output, _ = process.communicate()
    assert process.returncode == 2 and output.startswith('usage: ')
