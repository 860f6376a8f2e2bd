# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The quickstart: in order, short on the screen, and clear where it fails."""
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from mmengine.config import Config

ROOT = Path(__file__).parents[2]
QUICK = 'diffpose_mixste_mini-27_quick'
MAX_LINES = 60
SET_UP_LINES = 10
"""Of tools/setup_env.sh, which a stub stands for here."""

ENCODER = """
_base_ = ['{root}/configs/mixste_mini-27_quick.py']
train_cfg = dict(max_epochs={encoder}, val_interval=1)
model = dict(backbone=dict(depth=1))
train_dataloader = dict(
    num_workers=0, persistent_workers=False, dataset=dict(max_sequences=1))
val_dataloader = dict(dataset=dict(max_sequences=1))
"""
DIFFPOSE = """
_base_ = ['{root}/configs/diffpose_mixste_mini-27_quick.py']
train_cfg = dict(
    max_epochs={head}, val_interval=1,
    context_config='{tree}/configs/encoder.py')
model = dict(backbone=dict(depth=1), head=dict(num_gmm_samples=8))
train_dataloader = dict(
    num_workers=0, persistent_workers=False, dataset=dict(max_sequences=1))
val_dataloader = dict(dataset=dict(max_sequences=1))
test_dataloader = dict(dataset=dict(max_sequences=1))
"""


@pytest.fixture
def tree(tmp_path):
    """A checkout whose set-up is done and whose training is tiny."""
    tree = tmp_path / 'a checkout'
    (tree / 'tools').mkdir(parents=True)
    (tree / 'configs').mkdir()
    shutil.copy(ROOT / 'tools/quickstart.sh', tree / 'tools')
    for name in ('mmdiffpose', 'tools/analysis_tools'):
        (tree / name).symlink_to(ROOT / name)
    (tree / 'tools/setup_env.sh').write_text(f'echo {sys.executable}\n')
    sizes = dict(root=ROOT, tree=tree, encoder=3, head=2)
    (tree / 'configs/encoder.py').write_text(ENCODER.format(**sizes))
    (tree / f'configs/{QUICK}.py').write_text(DIFFPOSE.format(**sizes))
    return tree


def quickstart(tree, *arguments):
    return subprocess.run(['bash', tree / 'tools/quickstart.sh', *arguments],
                          capture_output=True,
                          text=True,
                          timeout=600,
                          cwd=tree.parent,
                          env=dict(
                              os.environ,
                              PYTHONPATH=str(ROOT),
                              OMP_NUM_THREADS='1'))


def test_from_poses_to_a_table(tree):
    done = quickstart(tree)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = (done.stdout + done.stderr).splitlines()
    assert len(lines) <= MAX_LINES - SET_UP_LINES, done.stdout
    work_dir = tree / 'work_dirs/quickstart'
    pictures = [
        work_dir / folder / 'demo_track_coco17_3d.png'
        for folder in ('zoo', 'trained')
    ]
    wanted = [
        'all messages go to', '1/4 ', f'picture: {pictures[0]}', '2/4 ',
        'context encoder: epoch 1 done', 'context encoder: epoch 3 done',
        'DiffPose: epoch 1 done', 'DiffPose: epoch 2 done', '3/4 ',
        'context encoder alone', '4/4 ', f'picture: {pictures[1]}', 'done.'
    ]
    places = [
        next((i for i, line in enumerate(lines) if words in line), words)
        for words in wanted
    ]
    assert places == sorted(places), done.stdout
    assert all(path.is_file() for path in pictures)
    log = (work_dir / 'quickstart.log').read_text()
    assert len(log.splitlines()) > 200 and 'MPJPE_mm' in log

    # Again: nothing is trained, and the log is that of this run.
    again = quickstart(tree)
    assert again.returncode == 0, again.stdout + again.stderr
    assert '2/4 reusing the training' in again.stdout
    assert 'epoch 1 done' not in again.stdout
    assert 'Saving checkpoint' not in (work_dir / 'quickstart.log').read_text()


def test_a_failure_shows_the_end_of_the_log(tree):
    # The track is not where it should be.
    (tree / 'mmdiffpose').unlink()
    done = quickstart(tree)
    assert done.returncode != 0
    assert 'demo_track_coco17.json' in done.stderr
    assert "failed while lifting the track with the zoo's" in done.stderr
    assert len((done.stdout + done.stderr).splitlines()) <= 30


def test_the_quick_training_is_the_small_one_in_fewer_epochs():
    for name in ('mixste_mini-27', 'diffpose_mixste_mini-27'):
        quick, whole = (
            Config.fromfile(ROOT / f'configs/{name}{suffix}.py')
            for suffix in ('_quick', ''))
        epochs = quick.train_cfg.max_epochs
        assert epochs < whole.train_cfg.max_epochs
        assert quick.train_cfg.val_interval == epochs
        assert quick.param_scheduler[1].T_max == epochs
        for part in ('model', 'train_dataloader', 'test_dataloader',
                     'optim_wrapper'):
            assert quick[part] == whole[part]
