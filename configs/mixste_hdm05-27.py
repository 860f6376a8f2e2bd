# Copyright (c) mmdiffpose contributors. All rights reserved.
# MixSTE, small, on HDM05, 27 frames: the context encoder of
# diffpose_mixste_hdm05-27.py. Converges in some 25 minutes on one CPU core.
_base_ = [
    '_base_/datasets/hdm05.py', '_base_/encoders/mixste_small.py',
    '_base_/models/mixste_small.py', '_base_/schedules/encoder_small.py',
    '_base_/encoder_runtime.py'
]

max_epochs = 24
model = dict(
    backbone=dict(_base_.encoder, seq_len=_base_.seq_len),
    head=dict(decoder=_base_.codec))

param_scheduler = [
    dict(_base_.warmup, end=100),
    dict(_base_.cosine, T_max=max_epochs),
]
train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=4)
