# Copyright (c) mmdiffpose contributors. All rights reserved.
# DiffHPE-Wrapper on HDM05, 27 frames: the small denoiser of
# diffhpe-2d_hdm05-27.py on the frozen MixSTE of mixste_hdm05-27.py (64
# channels), which is trained first.
_base_ = ['diffhpe-2d_hdm05-27.py', '_base_/encoders/mixste_small.py']

model = dict(
    backbone=dict(_base_.encoder, _delete_=True, seq_len=_base_.seq_len),
    coarse_head=dict(type='mmdiffpose.LiftingRegressionHead', in_channels=64),
    head=dict(denoiser=dict(context_channels=64, pose_channels=64)))

train_cfg = dict(
    _delete_=True,
    type='mmdiffpose.TwoStageTrainLoop',
    max_epochs=_base_.max_epochs,
    val_interval=_base_.max_epochs,
    context_config='{{ fileDirname }}/mixste_hdm05-27.py')

custom_hooks = [
    *_base_.diffusion_hooks,
    dict(type='mmdiffpose.ProgressBarHook', name='DiffHPE-Wrapper'),
]
