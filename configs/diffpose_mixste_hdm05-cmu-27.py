# Copyright (c) mmdiffpose contributors. All rights reserved.
# The model zoo's DiffPose on its frozen MixSTE, small, 27 frames.
_base_ = [
    '_base_/datasets/hdm05_cmu.py', '_base_/encoders/mixste_small.py',
    '_base_/models/diffpose_small.py', '_base_/schedules/diffpose_small.py',
    '_base_/diffusion_runtime.py'
]

max_epochs = 3
model = dict(
    backbone=dict(_base_.encoder, seq_len=_base_.seq_len),
    head=dict(decoder=_base_.codec))

train_dataloader = dict(batch_size=16)
param_scheduler = [
    dict(_base_.warmup, end=100),
    dict(_base_.cosine, T_max=max_epochs),
]
train_cfg = dict(
    max_epochs=max_epochs,
    val_interval=max_epochs,
    context_config='{{ fileDirname }}/mixste_hdm05-cmu-27.py')
