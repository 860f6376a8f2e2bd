# Copyright (c) mmdiffpose contributors. All rights reserved.
# A refined pose and residual diffusion around it, on the frozen MixSTE of
# diffpose_mixste_mini-27.py, on mocap-mini, 27 frames.
_base_ = [
    '_base_/datasets/mocap_mini.py', '_base_/encoders/mixste_small.py',
    '_base_/models/residual_small.py', '_base_/schedules/diffpose_small.py',
    '_base_/diffusion_runtime.py'
]

max_epochs = 8
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
    context_config='{{ fileDirname }}/mixste_mini-27.py')
custom_hooks = [
    *_base_.diffusion_hooks,
    dict(type='mmdiffpose.ProgressBarHook', name='residual diffusion'),
]
