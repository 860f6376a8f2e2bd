# Copyright (c) mmdiffpose contributors. All rights reserved.
# DiffHPE-2D, small, on HDM05, 27 frames.
_base_ = [
    '_base_/datasets/hdm05.py', '_base_/models/diffhpe_2d_pose.py',
    '_base_/schedules/diffhpe_small.py', '_base_/diffusion_runtime.py'
]

max_epochs = 8
model = dict(
    backbone=dict(seq_len=_base_.seq_len),
    head=dict(
        denoiser=dict(seq_len=_base_.seq_len, channels=64),
        decoder=_base_.codec))

train_dataloader = dict(batch_size=32)
param_scheduler = [
    dict(_base_.warmup, end=40),
    dict(_base_.cosine, T_max=max_epochs),
]
train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=max_epochs)
test_evaluator = [
    *_base_.test_evaluator,
    dict(type='mmdiffpose.AggregationMetric', required=False)
]

custom_hooks = [
    *_base_.diffusion_hooks,
    dict(type='mmdiffpose.ProgressBarHook', name='DiffHPE-2D'),
]
