# Copyright (c) mmdiffpose contributors. All rights reserved.
# MixSTE, small, on a recording of one's own, 27 frames: inherited by the
# configs of docs/own_data.md, and the context encoder of
# diffpose_mixste_own-27.py.
_base_ = [
    '_base_/datasets/recording_27.py', '_base_/encoders/mixste_small.py',
    '_base_/models/mixste_small.py', '_base_/schedules/encoder_small.py',
    '_base_/encoder_runtime.py'
]

max_epochs = 40
model = dict(
    backbone=dict(_base_.encoder, seq_len=_base_.seq_len),
    head=dict(decoder=_base_.codec))

param_scheduler = [
    dict(_base_.warmup, end=40),
    dict(_base_.cosine, T_max=max_epochs),
]
train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=4)
