# Copyright (c) mmdiffpose contributors. All rights reserved.
# GraFormer, small, on single frames of HDM05: the context encoder of
# diffpose_graformer_hdm05-1.py. Converges in some 9 minutes on one CPU core.
_base_ = ['_base_/default_runtime.py', '_base_/datasets/hdm05_1.py']

max_epochs = 40
train_dataloader = dict(batch_size=256)
model = dict(
    type='PoseLifter',
    backbone=dict(
        type='mmdiffpose.GraFormer',
        embed_dims=64,
        num_layers=3,
        dropout=0.,
        graph_dropout=0.,
        attn_drop=0.,
        standardize=True),
    head=dict(
        type='mmdiffpose.LiftingRegressionHead',
        in_channels=64,
        loss=dict(type='mmdiffpose.MPJPELoss'),
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
train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=10)
val_cfg = dict()
test_cfg = dict()

custom_hooks = [
    dict(type='mmdiffpose.FiniteLossHook'),
    dict(type='mmdiffpose.ProgressBarHook', name='context encoder'),
    dict(type='mmdiffpose.ResidualCalibrationHook'),
]
