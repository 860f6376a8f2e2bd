# Copyright (c) mmdiffpose contributors. All rights reserved.
# DiffPose on a frozen MixSTE, small, on a recording of one's own, 27 frames;
# see docs/own_data.md.
_base_ = [
    '_base_/datasets/recording_27.py', '_base_/encoders/mixste_small.py',
    '_base_/models/diffpose_small.py', '_base_/schedules/diffpose_small.py',
    '_base_/diffusion_runtime.py'
]

max_epochs = 20
model = dict(
    backbone=dict(_base_.encoder, seq_len=_base_.seq_len),
    head=dict(decoder=_base_.codec))

param_scheduler = [
    dict(_base_.warmup, end=40),
    dict(_base_.cosine, T_max=max_epochs),
]
train_cfg = dict(
    max_epochs=max_epochs,
    val_interval=4,
    context_config='{{ fileDirname }}/mixste_own-27.py')
