# Copyright (c) mmdiffpose contributors. All rights reserved.
# DiffPose on a frozen MixSTE, small, on HDM05, 27 frames.
_base_ = [
    '_base_/datasets/hdm05.py', '_base_/encoders/mixste_small.py',
    '_base_/models/diffpose_small.py', '_base_/schedules/diffpose_small.py',
    '_base_/diffusion_runtime.py'
]

max_epochs = 6
model = dict(
    backbone=dict(_base_.encoder, seq_len=_base_.seq_len),
    head=dict(decoder=_base_.codec))

train_dataloader = dict(batch_size=16)
param_scheduler = [
    dict(_base_.warmup, end=40),
    dict(_base_.cosine, T_max=max_epochs),
]
train_cfg = dict(
    max_epochs=max_epochs,
    val_interval=max_epochs // 2,
    context_config='{{ fileDirname }}/mixste_hdm05-27.py')
