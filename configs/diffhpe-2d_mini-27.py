# Copyright (c) mmdiffpose contributors. All rights reserved.
# DiffHPE-2D, small, on mocap-mini, 27 frames: blocks of 32 channels in place
# of 64.
_base_ = [
    '_base_/datasets/mocap_mini.py', '_base_/models/diffhpe_2d_small.py',
    '_base_/schedules/diffhpe_small.py', '_base_/diffusion_runtime.py'
]

max_epochs = 40
model = dict(
    backbone=dict(seq_len=_base_.seq_len),
    head=dict(
        denoiser=dict(seq_len=_base_.seq_len, channels=32),
        decoder=_base_.codec))

train_dataloader = dict(batch_size=16)
param_scheduler = [
    dict(_base_.warmup, end=40),
    dict(_base_.cosine, T_max=max_epochs),
]
# Sampling the whole split takes long: it is done twice.
train_cfg = dict(
    by_epoch=True, max_epochs=max_epochs, val_interval=max_epochs // 2)
test_evaluator = [
    *_base_.test_evaluator,
    dict(type='mmdiffpose.AggregationMetric', required=False)
]

custom_hooks = [
    *_base_.diffusion_hooks,
    dict(type='mmdiffpose.ProgressBarHook', name='DiffHPE-2D'),
]
