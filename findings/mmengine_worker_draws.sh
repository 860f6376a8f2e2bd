#!/usr/bin/env bash
# Copyright (c) mmdiffpose contributors. All rights reserved.
#
# MMEngine: with loading workers each epoch draws the same augmentations.
#
# Versions   mmengine 0.10.7, torch 2.13.0, NumPy 1.26.4
# Steps      Train for three epochs on eight samples, shuffled, with a fair
#            coin from NumPy's generator in place of an augmentation such as
#            a flip; write the coins of each epoch down.
# Seen       num_workers=2, persistent_workers=False: the coins of the three
#            epochs are the same, 01000101 three times (samples are in another
#            order). With persistent_workers=True, or without workers, no two
#            epochs are alike.
#            The workers of each epoch are started anew, and Runner gives each
#            of them the same seed, run's seed + its number, for NumPy, random
#            and torch. torch's own loader seeds them otherwise each epoch.
# Guess      Workers are seeded to be unlike, and persistent_workers, False by
#            default, is about speed.
# Why care   Flips, noise, occlusions and crops of all epochs are those of the
#            first one, dealt to other samples: a fixed list, not new draws.
#            Losses look normal.
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

cat >epochs.py <<'PY'
import sys
import warnings

import numpy as np
import torch
from mmengine.model import BaseModel
from mmengine.runner import Runner

warnings.simplefilter('ignore')
EPOCHS, SAMPLES = 3, 8


class Coins(torch.utils.data.Dataset):

    def __len__(self):
        return SAMPLES

    def __getitem__(self, index):
        return {'inputs': torch.tensor([index, np.random.rand() < .5])}


class Recorder(BaseModel):

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.seen = []

    def forward(self, inputs, data_samples=None, mode='loss'):
        self.seen += inputs.tolist()
        return {'loss': self.weight.sum()}


def train(workers, persistent):
    """Return the samples and the coins of each epoch."""
    name = f'{workers}-{persistent}'
    model = Recorder()
    Runner(
        model,
        name,
        train_dataloader=dict(
            dataset=Coins(),
            batch_size=1,
            num_workers=workers,
            persistent_workers=persistent,
            sampler=dict(type='DefaultSampler', shuffle=True),
            collate_fn=dict(type='default_collate')),
        train_cfg=dict(by_epoch=True, max_epochs=EPOCHS),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=.1)),
        randomness=dict(seed=0),
        experiment_name=name,
        log_level='ERROR').train()
    return torch.tensor(model.seen).reshape(EPOCHS, SAMPLES, 2).unbind(-1)


def different(epochs):
    return len({tuple(epoch.tolist()) for epoch in epochs})


found = {}
for arguments in ((0, False), (2, True), (2, False)):
    samples, coins = train(*arguments)
    found[arguments] = different(samples), different(coins)
    print(*arguments, *(''.join(map(str, e.tolist())) for e in coins))
sys.exit(found != {(0, False): (3, 3), (2, True): (3, 3), (2, False): (3, 1)})
PY
OMP_NUM_THREADS=1 venv/bin/python epochs.py
