#!/usr/bin/env bash
# Copyright (c) mmdiffpose contributors. All rights reserved.
#
# MMEngine: with EMAHook the best checkpoint has the buffers of an earlier
# validation.
#
# Versions   mmengine 0.10.7, torch 2.13.0
# Steps      A hook measures something on the validation split and stores it in
#            a buffer of the model, as calibrations do; here it is the epoch's
#            number. CheckpointHook saves the best model, each epoch a better
#            one. Train with and without EMAHook, read best_*.pth.
# Seen       Epochs 1, 2, 3; buffer of the model validated last: 3.
#            Without EMAHook the best checkpoint has 3, with EMAHook 2.
#            EMAHook saves its own copy as the model. Parameters of both change
#            places for validation, buffers do not, and the copy's are renewed
#            after training iterations only.
# Guess      The best checkpoint is the model that was just validated.
# Why care   The file that is published has another calibration, temperature or
#            normalisation than the one that was measured, that of weights one
#            epoch older, or none if the first epoch is the best.
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

cat >best.py <<'PY'
import sys
import warnings
from glob import glob

import torch
from mmengine.evaluator import BaseMetric
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.runner import Runner

warnings.simplefilter('ignore')


class Calibrated(BaseModel):

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.register_buffer('measured', torch.zeros(1))

    def forward(self, inputs, data_samples=None, mode='loss'):
        loss = (self.weight - inputs).square().mean()
        return {'loss': loss} if mode == 'loss' else [loss]


class Better(BaseMetric):
    """A score that is better at each validation."""
    epoch = 0

    def process(self, data_batch, data_samples):
        self.results.append(0)

    def compute_metrics(self, results):
        Better.epoch += 1
        return {'score': Better.epoch}


class Calibrate(Hook):
    priority = 'LOW'

    def after_val_epoch(self, runner, metrics=None):
        runner.model.measured.fill_(runner.epoch)


def train(name, hooks):
    """Return the buffer in memory and in the best checkpoint."""
    Better.epoch = 0
    model = Calibrated()
    loader = dict(
        dataset=[{'inputs': torch.ones(1)}] * 3,
        batch_size=1,
        sampler=dict(type='DefaultSampler', shuffle=False),
        collate_fn=dict(type='default_collate'))
    Runner(
        model,
        name,
        train_dataloader=loader,
        val_dataloader=loader,
        train_cfg=dict(by_epoch=True, max_epochs=3),
        val_cfg={},
        val_evaluator=[Better()],
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=.1)),
        default_hooks=dict(
            checkpoint=dict(
                type='CheckpointHook', save_best='score', rule='greater')),
        custom_hooks=[Calibrate(), *hooks],
        randomness=dict(seed=0),
        experiment_name=name,
        log_level='ERROR').train()
    best, = glob(f'{name}/best_*.pth')
    saved = torch.load(best, weights_only=False)['state_dict']
    return int(model.measured), int(saved['measured'])


found = {
    'without EMAHook': train('plain', []),
    'with EMAHook': train('ema', [dict(type='EMAHook')])
}
print('in memory, in the best checkpoint:', found)
sys.exit(found != {'without EMAHook': (3, 3), 'with EMAHook': (3, 2)})
PY
OMP_NUM_THREADS=1 venv/bin/python best.py
