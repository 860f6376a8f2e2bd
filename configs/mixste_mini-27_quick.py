# Copyright (c) mmdiffpose contributors. All rights reserved.
# The context encoder of diffpose_mixste_mini-27_quick.py: mixste_mini-27.py
# in fewer epochs.
_base_ = ['mixste_mini-27.py']

max_epochs = 5
param_scheduler = [
    dict(_base_.warmup, end=40),
    dict(_base_.cosine, T_max=max_epochs),
]
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
