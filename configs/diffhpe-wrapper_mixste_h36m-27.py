# Copyright (c) mmdiffpose contributors. All rights reserved.
# DiffHPE-Wrapper on Human3.6M, 27 frames, at its published size: diffusion
# conditioned on a frozen MixSTE with 64 channels, which is trained first.
_base_ = ['diffhpe-2d_h36m-27.py', '_base_/encoders/mixste_w64.py']

model = dict(
    backbone=dict(_base_.encoder, _delete_=True, seq_len=_base_.seq_len),
    coarse_head=dict(type='mmdiffpose.LiftingRegressionHead', in_channels=64),
    head=dict(
        denoiser=dict(context_channels=64, pose_channels=64, dropout=0.27038)))

optim_wrapper = dict(optimizer=dict(lr=2.7014e-4))
train_cfg = dict(
    _delete_=True,
    type='mmdiffpose.TwoStageTrainLoop',
    max_epochs=_base_.max_epochs,
    val_interval=_base_.val_interval,
    context_config='{{ fileDirname }}/mixste_h36m-27.py')

custom_hooks = [
    *_base_.diffusion_hooks,
    dict(type='mmdiffpose.ProgressBarHook', name='DiffHPE-Wrapper'),
]
