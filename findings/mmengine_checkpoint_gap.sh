#!/usr/bin/env bash
# Copyright (c) mmdiffpose contributors. All rights reserved.
#
# MMEngine: CheckpointHook removes the old checkpoint before the new one is
# written, and a resumed run leaves out the validation that was interrupted.
#
# Versions   mmengine 0.10.7, torch 2.13.0
# Steps      Train for three epochs with max_keep_ckpts=1 and list the folder's
#            checkpoints whenever one is about to be written. Train again, end
#            the process's work within the last validation, resume.
# Seen       When epoch_2.pth and epoch_3.pth are written, there is no
#            checkpoint in the folder; last_checkpoint names one that is gone.
#            The resumed run says that it is complete: no validation, no metric,
#            no best_*.pth. Without the interruption there are.
# Guess      At any moment there is a checkpoint to resume from, and a resumed
#            run does what is left of the interrupted one.
# Why care   With large models, slow disks and machines that are taken away, a
#            kill falls into the seconds of a save sooner or later, and all the
#            training is lost. What picks up best_*.pth afterwards finds none,
#            or one of an older epoch.
set -euo pipefail

scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
"${PYTHON:-python3}" -m venv venv
# What MMEngine and torch import, no more.
venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
    --no-compile mmengine==0.10.7 torch==2.13.0 numpy==1.26.4 \
    opencv-python-headless==4.11.0.86 matplotlib==3.9.4 addict==2.4.0 \
    contourpy==1.3.2 cycler==0.12.1 fonttools==4.59.0 kiwisolver==1.4.9 \
    mpmath==1.3.0 packaging==25.0 pillow==11.3.0 platformdirs==4.4.0 \
    Pygments==2.19.2 pyparsing==3.2.3 python-dateutil==2.9.0.post0 \
    PyYAML==6.0.2 rich==14.1.0 six==1.17.0 sympy==1.14.0 termcolor==3.1.0 \
    typing_extensions==4.15.0 yapf==0.43.0

cat >gap.py <<'PY'
import sys
import warnings
from pathlib import Path

import torch
from mmengine.evaluator import BaseMetric
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.registry import METRICS
from mmengine.runner import Runner

warnings.simplefilter('ignore')


class Model(BaseModel):

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def forward(self, inputs, data_samples=None, mode='loss'):
        loss = (self.weight - inputs).square().mean()
        return {'loss': loss} if mode == 'loss' else [loss]


@METRICS.register_module()
class Score(BaseMetric):

    def process(self, data_batch, data_samples):
        self.results.append(0)

    def compute_metrics(self, results):
        return {'score': 1.}


class Interrupted(Exception):
    pass


class Watch(Hook):

    def __init__(self, folder, stop):
        self.folder, self.stop, self.lists = folder, stop, []
        self.validations = 0

    def before_save_checkpoint(self, runner, checkpoint):
        self.lists.append(names(self.folder, 'epoch_*.pth'))

    def after_val_iter(self, runner, *args, **kwargs):
        self.validations += 1
        if self.stop:
            raise Interrupted


def names(folder, pattern):
    return sorted(path.name for path in folder.glob(pattern))


def train(name, label, stop=False, resume=False):
    folder = Path(name)
    loader = dict(
        dataset=[{'inputs': torch.ones(1)}] * 3,
        batch_size=1,
        sampler=dict(type='DefaultSampler', shuffle=False),
        collate_fn=dict(type='default_collate'))
    watch = Watch(folder, stop)
    runner = Runner(
        model=Model(),
        work_dir=name,
        train_dataloader=loader,
        val_dataloader=loader,
        val_evaluator=dict(type='Score'),
        val_cfg=dict(),
        train_cfg=dict(by_epoch=True, max_epochs=3, val_interval=3),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=.1)),
        default_hooks=dict(
            checkpoint=dict(
                type='CheckpointHook',
                interval=1,
                max_keep_ckpts=1,
                save_best='score',
                rule='greater')),
        custom_hooks=[watch],
        resume=resume,
        log_level='ERROR',
        experiment_name=label)
    try:
        runner.train()
    except Interrupted:
        pass
    return watch


straight = train('straight', 'a')
print('checkpoints when one is about to be written:', straight.lists[:3])
print('best, without an interruption:', names(Path('straight'), 'best_*'))
train('resumed', 'b', stop=True)
resumed = train('resumed', 'c', resume=True)
print('best, interrupted in the validation and resumed:',
      names(Path('resumed'), 'best_*'), 'after', resumed.validations,
      'batches of validation')
expected = (straight.lists[:3] == [[], [], []] and resumed.validations == 0
            and names(Path('straight'), 'best_*') == ['best_score_epoch_3.pth']
            and names(Path('resumed'), 'best_*') == [])
sys.exit(0 if expected else 'MMEngine behaves otherwise now')
PY
# MMEngine 0.10.7 loads its own checkpoints no other way with this torch.
export TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD=1
venv/bin/python gap.py 2>&1 | grep -v '^Loads checkpoint'
