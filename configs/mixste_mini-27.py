# Copyright (c) mmdiffpose contributors. All rights reserved.
# MixSTE, small, on mocap-mini, 27 frames: the context encoder of
# diffpose_mixste_mini-27.py.
_base_ = [
    '_base_/datasets/mocap_mini.py', '_base_/encoders/mixste_small.py',
    '_base_/models/mixste_small.py', '_base_/schedules/encoder_small.py',
    '_base_/encoder_runtime.py'
]

max_epochs = 12
model = dict(
    backbone=dict(_base_.encoder, seq_len=_base_.seq_len),
    head=dict(decoder=_base_.codec))

optim_wrapper = dict(optimizer=dict(weight_decay=0.01))
param_scheduler = [
    dict(_base_.warmup, end=40),
    dict(_base_.cosine, T_max=max_epochs),
]
train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=4)
