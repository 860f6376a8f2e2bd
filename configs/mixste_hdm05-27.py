# Copyright (c) mmdiffpose contributors. All rights reserved.
# MixSTE, small, on HDM05, 27 frames: the context encoder of
# diffpose_mixste_hdm05-27.py. Converges in some 25 minutes on one CPU core.
_base_ = ['_base_/default_runtime.py', '_base_/datasets/hdm05.py']

max_epochs = 24
model = dict(
    type='PoseLifter',
    backbone=dict(
        type='mmdiffpose.MixSTE',
        seq_len=_base_.seq_len,
        embed_dims=64,
        depth=2,
        num_heads=4,
        drop_path_rate=0.05,
        standardize=True),
    head=dict(
        type='mmdiffpose.LiftingRegressionHead',
        in_channels=64,
        loss=dict(type='mmdiffpose.MixSTELoss'),
        decoder=_base_.codec))

optim_wrapper = dict(
    optimizer=dict(type='AdamW', lr=2e-3, weight_decay=0.05),
    clip_grad=dict(max_norm=1.))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, end=100, by_epoch=False),
    dict(
        type='CosineAnnealingLR',
        T_max=max_epochs,
        eta_min_ratio=0.01,
        by_epoch=True,
        convert_to_iter_based=True),
]
train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=4)
val_cfg = dict()
test_cfg = dict()

custom_hooks = [
    dict(type='mmdiffpose.FiniteLossHook'),
    dict(type='mmdiffpose.ProgressBarHook', name='context encoder'),
    dict(type='mmdiffpose.ResidualCalibrationHook'),
]
