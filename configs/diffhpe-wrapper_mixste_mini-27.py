# Copyright (c) mmdiffpose contributors. All rights reserved.
# DiffHPE-Wrapper on mocap-mini, 27 frames: the small denoiser of
# diffhpe-2d_mini-27.py on the frozen MixSTE of mixste_mini-27.py (64
# channels), which is trained first.
_base_ = ['diffhpe-2d_mini-27.py']

model = dict(
    backbone=dict(
        _delete_=True,
        type='mmdiffpose.MixSTE',
        seq_len=_base_.seq_len,
        embed_dims=64,
        depth=2,
        num_heads=4,
        drop_path_rate=0.05,
        standardize=True),
    coarse_head=dict(type='mmdiffpose.LiftingRegressionHead', in_channels=64),
    head=dict(denoiser=dict(context_channels=64, pose_channels=64)))

train_cfg = dict(
    _delete_=True,
    type='mmdiffpose.TwoStageTrainLoop',
    max_epochs=_base_.max_epochs,
    val_interval=_base_.max_epochs // 2,
    context_config='{{ fileDirname }}/mixste_mini-27.py')

custom_hooks = [
    dict(type='mmdiffpose.FiniteLossHook'),
    dict(type='mmdiffpose.StdCalibrationHook'),
    dict(type='mmdiffpose.ProgressBarHook', name='DiffHPE-Wrapper'),
]
