# Copyright (c) mmdiffpose contributors. All rights reserved.
# DiffPose on the frozen encoder of graformer_views-1.py, single frames: as
# diffpose_frames_views-27.py, in two evaluations (the energy score on the
# validation actor: 444.5 mm, 445.2 in one; with one child in ten 458.7, and
# 461.0 with the 2D mixtures in H_K).
_base_ = ['graformer_views-1.py']

max_epochs = 2
model = dict(
    freeze_context=True,
    head=dict(
        _delete_=True,
        type='mmdiffpose.DiffPoseHead',
        in_channels=64,
        denoiser=dict(type='mmdiffpose.ResidualMLP', width=128),
        residual_diffusion=dict(
            start='gaussian',
            refine=dict(width=256),
            diffusion=dict(num_draws=4)),
        decoder=_base_.codec),
    test_cfg=dict(num_hypotheses=10, num_sampling_steps=2))

param_scheduler = [
    dict(_base_.warmup, end=200),
    dict(_base_.cosine, T_max=max_epochs),
]
train_cfg = dict(
    _delete_=True,
    type='mmdiffpose.TwoStageTrainLoop',
    max_epochs=max_epochs,
    val_interval=max_epochs,
    context_config='{{ fileDirname }}/graformer_views-1.py')
custom_hooks = [
    *_base_.custom_hooks[:-1],
    dict(type='mmdiffpose.StdCalibrationHook'),
    dict(type='mmdiffpose.ProgressBarHook', name='DiffPose'),
]
