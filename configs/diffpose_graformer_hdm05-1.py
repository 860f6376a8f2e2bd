# Copyright (c) mmdiffpose contributors. All rights reserved.
# DiffPose on a frozen GraFormer, small, on single frames of HDM05.
_base_ = [
    '_base_/datasets/hdm05_1.py', '_base_/encoders/graformer_small.py',
    '_base_/models/diffpose_small.py', '_base_/schedules/diffpose_small.py',
    '_base_/diffusion_runtime.py'
]

max_epochs = 24
model = dict(backbone=_base_.encoder, head=dict(decoder=_base_.codec))

param_scheduler = [
    dict(_base_.warmup, end=40),
    dict(_base_.cosine, T_max=max_epochs),
]
train_cfg = dict(
    max_epochs=max_epochs,
    val_interval=max_epochs // 2,
    context_config='{{ fileDirname }}/graformer_hdm05-1.py')
