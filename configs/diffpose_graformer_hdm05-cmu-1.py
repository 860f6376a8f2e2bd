# Copyright (c) mmdiffpose contributors. All rights reserved.
# The model zoo's DiffPose on its frozen GraFormer, small, single frames.
_base_ = [
    '_base_/datasets/hdm05_cmu_1.py', '_base_/encoders/graformer_small.py',
    '_base_/models/diffpose_small.py', '_base_/schedules/diffpose_small.py',
    '_base_/diffusion_runtime.py'
]

max_epochs = 6
model = dict(backbone=_base_.encoder, head=dict(decoder=_base_.codec))

param_scheduler = [
    dict(_base_.warmup, end=100),
    dict(_base_.cosine, T_max=max_epochs),
]
train_cfg = dict(
    max_epochs=max_epochs,
    val_interval=max_epochs,
    context_config='{{ fileDirname }}/graformer_hdm05-cmu-1.py')
