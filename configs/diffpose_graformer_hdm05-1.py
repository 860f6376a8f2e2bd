# Copyright (c) mmdiffpose contributors. All rights reserved.
# DiffPose on a frozen GraFormer, small, on single frames of HDM05.
_base_ = ['_base_/default_runtime.py', '_base_/datasets/hdm05_1.py']

max_epochs = 24
model = dict(
    type='mmdiffpose.DiffusionPoseLifter',
    backbone=dict(
        type='mmdiffpose.GraFormer',
        embed_dims=64,
        num_layers=3,
        dropout=0.,
        graph_dropout=0.,
        attn_drop=0.,
        standardize=True),
    coarse_head=dict(type='mmdiffpose.LiftingRegressionHead', in_channels=64),
    head=dict(
        type='mmdiffpose.DiffPoseHead',
        in_channels=64,
        denoiser=dict(type='mmdiffpose.GCNAttention', channels=64, dropout=0.),
        condition_on_start=True,
        num_steps=50,
        num_components=5,
        num_gmm_samples=64,
        target='sample',
        loss=dict(type='mmdiffpose.MPJPELoss'),
        step_exponent=0.3,
        decoder=_base_.codec),
    # As for 27 frames.
    test_cfg=dict(num_hypotheses=10, num_sampling_steps=2))

optim_wrapper = dict(
    optimizer=dict(type='AdamW', lr=1e-3, weight_decay=0.01),
    clip_grad=dict(max_norm=1.))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, end=40, by_epoch=False),
    dict(
        type='CosineAnnealingLR',
        T_max=max_epochs,
        eta_min_ratio=0.01,
        by_epoch=True,
        convert_to_iter_based=True),
]
train_cfg = dict(
    type='mmdiffpose.TwoStageTrainLoop',
    max_epochs=max_epochs,
    val_interval=max_epochs // 2,
    context_config='{{ fileDirname }}/graformer_hdm05-1.py')
val_cfg = dict()
test_cfg = dict()

custom_hooks = [
    dict(type='mmdiffpose.FiniteLossHook'),
    dict(type='mmdiffpose.StdCalibrationHook'),
    dict(type='mmdiffpose.ProgressBarHook', name='DiffPose'),
]
