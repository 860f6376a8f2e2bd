# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Train, test, interrupt, resume and lift, through the command-line tools."""
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from mmdiffpose.checkpoints.safe_classes import load_safely

ROOT = Path(__file__).parents[1]
CONFIG = 'configs/diffpose_mixste_mini-27.py'
TRACK = 'mmdiffpose/data/demo_track_coco17.json'

SMALL = [
    'train_dataloader.dataset.indices=48',
    'val_dataloader.dataset.indices=6',
    'test_dataloader.dataset.indices=6',
    'train_dataloader.num_workers=0',
    'train_dataloader.persistent_workers=False',
]
TRAIN = [
    *SMALL,
    'model.head.num_gmm_samples=32',
    'train_cfg.max_epochs=1',
    'train_cfg.val_interval=1',
    'train_cfg.context_options.train_cfg.max_epochs=1',
    'train_cfg.context_options.train_cfg.val_interval=1',
    *(f'train_cfg.context_options.{option}' for option in SMALL),
]


def run(*command, check=True):
    """Run a tool on one thread in the repository's root."""
    environment = dict(
        os.environ, OMP_NUM_THREADS='1', PYTHONPATH=str(ROOT), COLUMNS='120')
    done = subprocess.run([sys.executable, *map(str, command)],
                          cwd=ROOT,
                          env=environment,
                          text=True,
                          capture_output=True)
    if check and done.returncode:
        pytest.fail(f'{command} failed:\n{done.stdout[-3000:]}\n'
                    f'{done.stderr[-3000:]}')
    return done


@pytest.fixture(scope='module')
def work_dir(tmp_path_factory):
    """A work folder with one epoch of both stages."""
    folder = tmp_path_factory.mktemp('work')
    run('tools/train.py', CONFIG, '--work-dir', folder, '--cfg-options',
        *TRAIN)
    return folder


def state(path):
    return load_safely(path)['state_dict']


def test_both_stages_leave_their_weights(work_dir):
    context = state(work_dir / 'context' / 'context.pth')
    last = Path((work_dir / 'last_checkpoint').read_text())
    checkpoint = load_safely(last)['state_dict']
    assert bool(checkpoint['context_loaded'])
    for key, value in context.items():
        name = key.replace('head.', 'coarse_head.')
        torch.testing.assert_close(checkpoint[name], value)
    assert bool(checkpoint['coarse_head.calibrated'])


def test_test_writes_metrics(work_dir):
    best, = work_dir.glob('best_*.pth')
    out = work_dir / 'metrics.json'
    run('tools/test.py', CONFIG, best, '--work-dir', work_dir, '--out', out,
        '--cfg-options', *SMALL)
    metrics = json.loads(out.read_text())
    for key in ('MPJPE_mm', 'P-MPJPE_mm', 'context/MPJPE_mm',
                'oracle/P-Best_mm', 'hypotheses/spread_mm'):
        assert 0 < metrics[key] < 5000, key
    assert metrics['oracle/P-Best_mm'] <= metrics['hypotheses/MPJPE_mm']


def test_resume_goes_on_after_the_last_epoch(work_dir):
    options = [o.replace('max_epochs=1', 'max_epochs=2') for o in TRAIN]
    done = run('tools/train.py', CONFIG, '--work-dir', work_dir, '--resume',
               '--cfg-options', *options)
    output = done.stdout + done.stderr
    assert 'stage 1 of 2' not in output
    last = Path((work_dir / 'last_checkpoint').read_text())
    assert last.name == 'epoch_2.pth'
    message = load_safely(last)
    assert message['meta']['epoch'] == 2
    assert int(message['state_dict']['head.iteration']) == 2 * (48 // 16)


def test_an_interrupted_first_stage_is_resumed(work_dir, tmp_path):
    # As if it had been stopped after its first epoch of two.
    shutil.copytree(
        work_dir / 'context',
        tmp_path / 'context',
        ignore=shutil.ignore_patterns('context.pth', '2*'))
    options = [
        o.replace('context_options.train_cfg.max_epochs=1',
                  'context_options.train_cfg.max_epochs=2') for o in TRAIN
    ]
    done = run('tools/train.py', CONFIG, '--work-dir', tmp_path, '--resume',
               '--cfg-options', *options)
    output = done.stdout + done.stderr
    assert 'stage 1 of 2' in output and 'resumed epoch: 1' in output
    assert (tmp_path / 'context' / 'epoch_2.pth').exists()
    assert (tmp_path / 'epoch_1.pth').exists()


def test_infer_lifts_the_bundled_track(work_dir):
    best, = work_dir.glob('best_*.pth')
    run('tools/infer.py', TRACK, '--config', CONFIG, '--checkpoint', best,
        '--out-dir', work_dir / 'demo')
    written = {path.suffix for path in (work_dir / 'demo').iterdir()}
    assert {'.json', '.npz', '.png'} <= written
    npz, = (work_dir / 'demo').glob('*.npz')
    with np.load(npz) as data:
        poses = data['keypoints_3d']
    assert poses.shape[1:] == (17, 3) and np.isfinite(poses).all()
    assert len(poses) == len(
        json.loads((ROOT / TRACK).read_text())['instance_info'])


def test_a_checkpoint_of_another_architecture_is_refused(work_dir):
    context = work_dir / 'context' / 'context.pth'
    done = run(
        'tools/infer.py',
        TRACK,
        '--config',
        CONFIG,
        '--checkpoint',
        context,
        '--out-dir',
        work_dir / 'wrong',
        check=False)
    assert done.returncode != 0
    assert 'context.pth' in done.stderr and 'coarse_head' in done.stderr


def test_human36m_without_its_files_says_which_and_how(tmp_path):
    done = run(
        'tools/train.py',
        'configs/diffpose_mixste_h36m-243.py',
        '--work-dir',
        tmp_path,
        '--cfg-options',
        'model.backbone.depth=1',
        check=False)
    assert done.returncode != 0
    assert 'h36m_train.npz' in done.stderr
    assert 'tools/dataset_converters/h36m.py' in done.stderr


@pytest.mark.parametrize('option, word', [
    ('model.head.num_step=5', 'num_step'),
    ('model.backbone.width=5', 'width'),
    ('train_dataloader.dataset.seqlen=5', 'seqlen'),
    ('train_dataloader.dataset.seq_len=9', 'seq_len'),
])
def test_a_wrong_config_fails_before_training(tmp_path, option, word):
    done = run(
        'tools/train.py',
        CONFIG,
        '--work-dir',
        tmp_path,
        '--cfg-options',
        *TRAIN,
        option,
        check=False)
    assert done.returncode != 0
    assert word in done.stderr
    assert not list(tmp_path.glob('**/epoch_*.pth'))
