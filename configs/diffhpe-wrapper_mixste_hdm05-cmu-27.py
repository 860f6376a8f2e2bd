# Copyright (c) mmdiffpose contributors. All rights reserved.
# The model zoo's DiffHPE-Wrapper on its frozen MixSTE, small, 27 frames.
_base_ = ['diffhpe-2d_hdm05-cmu-27.py', '_base_/encoders/mixste_small.py']

max_epochs = 4
model = dict(
    backbone=dict(_base_.encoder, _delete_=True, seq_len=_base_.seq_len),
    coarse_head=dict(type='mmdiffpose.LiftingRegressionHead', in_channels=64),
    head=dict(denoiser=dict(context_channels=64, pose_channels=64)))

param_scheduler = [
    dict(_base_.warmup, end=100),
    dict(_base_.cosine, T_max=max_epochs),
]
train_cfg = dict(
    _delete_=True,
    type='mmdiffpose.TwoStageTrainLoop',
    max_epochs=max_epochs,
    val_interval=max_epochs,
    context_config='{{ fileDirname }}/mixste_hdm05-cmu-27.py')

custom_hooks = [
    *_base_.diffusion_hooks,
    dict(type='mmdiffpose.ProgressBarHook', name='DiffHPE-Wrapper'),
]
