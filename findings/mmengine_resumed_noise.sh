#!/usr/bin/env bash
# Copyright (c) mmdiffpose contributors. All rights reserved.
#
# MMEngine: a resumed training draws the noise of the run's beginning again.
#
# Versions   mmengine 0.10.7, torch 2.13.0
# Steps      Train for three epochs with a seed and write down the noise that
#            the model draws, as a diffusion model's loss does. The same again,
#            ended after each epoch and resumed, with another seed each time.
# Seen       The uninterrupted run draws nine different numbers. The resumed
#            one draws the first three of them three times over.
#            The checkpoint holds weights, optimiser, schedule and counters,
#            but no state of a random generator; Runner seeds again, with the
#            checkpoint's seed, whatever randomness=dict(seed=...) says.
# Guess      A resumed run goes on as if it had not been interrupted, or at
#            least another seed gives it new numbers.
# Why care   On machines that are taken away every few hours, a diffusion model
#            sees the same few thousand steps, noises and dropouts again and
#            again, and fits them. Two runs, of which one was interrupted,
#            cannot be compared.
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

cat >interrupted.py <<'PY'
import sys
import warnings

import torch
from mmengine.model import BaseModel
from mmengine.runner import Runner

warnings.simplefilter('ignore')


class Noisy(BaseModel):

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.drawn = []

    def forward(self, inputs, data_samples=None, mode='loss'):
        noise = torch.randn(1)
        self.drawn.append(round(noise.item(), 4))
        return {'loss': (self.weight * noise).sum()}


def train(folder, until, seed, resume=False):
    model = Noisy()
    Runner(
        model,
        folder,
        train_dataloader=dict(
            dataset=[{'inputs': torch.zeros(1)}] * 3,
            batch_size=1,
            sampler=dict(type='DefaultSampler', shuffle=True),
            collate_fn=dict(type='default_collate')),
        train_cfg=dict(by_epoch=True, max_epochs=until),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=.1)),
        randomness=dict(seed=seed),
        resume=resume,
        experiment_name=f'{folder}-{until}',
        log_level='ERROR').train()
    return model.drawn


whole = train('whole', 3, 1)
parts = [train('parts', n, n, resume=n > 1) for n in (1, 2, 3)]
print('at once:    ', whole)
print('interrupted:', *parts)
sys.exit(len(set(whole)) != 9 or parts != [whole[:3]] * 3)
PY
# MMEngine's checkpoints, here the run's own, hold more than torch loads by
# default.
export TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD=1
OMP_NUM_THREADS=1 venv/bin/python interrupted.py
