# Copyright (c) mmdiffpose contributors. All rights reserved.
# The model zoo's MixSTE, small, 27 frames. Trains in some half an hour on one
# CPU core.
_base_ = [
    '_base_/datasets/hdm05_cmu.py', '_base_/encoders/mixste_small.py',
    '_base_/models/mixste_small.py', '_base_/schedules/encoder_small.py',
    '_base_/encoder_runtime.py'
]

max_epochs = 9
model = dict(
    backbone=dict(_base_.encoder, seq_len=_base_.seq_len),
    head=dict(decoder=_base_.codec))

param_scheduler = [
    dict(_base_.warmup, end=200),
    dict(_base_.cosine, T_max=max_epochs),
]
train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=3)
