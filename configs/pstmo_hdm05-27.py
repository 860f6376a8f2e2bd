# Copyright (c) mmdiffpose contributors. All rights reserved.
# P-STMO, small, on HDM05, 27 frames: pre-training, then this fine-tuning, in
# one command; the context encoder of diffpose_pstmo_hdm05-27.py.
_base_ = ['_base_/default_runtime.py', '_base_/datasets/hdm05.py']

max_epochs = 24
model = dict(
    type='PoseLifter',
    backbone=dict(
        type='mmdiffpose.PSTMO',
        seq_len=_base_.seq_len,
        embed_dims=64,
        hidden_dims=128,
        joint_dims=64,
        num_layers=3,
        num_heads=4,
        standardize=True),
    head=dict(
        type='mmdiffpose.ManyToOneRegressionHead',
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
train_cfg = dict(
    type='mmdiffpose.PretrainedTrainLoop',
    max_epochs=max_epochs,
    val_interval=4,
    pretrain_config='{{ fileDirname }}/pstmo_pretrain_hdm05-27.py')
val_cfg = dict()
test_cfg = dict()

custom_hooks = [
    dict(type='mmdiffpose.FiniteLossHook'),
    dict(type='mmdiffpose.ProgressBarHook', name='context encoder'),
    dict(type='mmdiffpose.ResidualCalibrationHook'),
]
