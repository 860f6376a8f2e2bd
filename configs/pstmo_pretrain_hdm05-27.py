# Copyright (c) mmdiffpose contributors. All rights reserved.
# Masked pose modelling for a small P-STMO on HDM05, 27 frames, 2D only.
# pstmo_hdm05-27.py runs it by itself.
_base_ = ['_base_/default_runtime.py', '_base_/datasets/hdm05.py']

max_epochs = 12
model = dict(
    type='mmdiffpose.MaskedPoseModel',
    seq_len=_base_.seq_len,
    embed_dims=64,
    hidden_dims=128,
    num_layers=3,
    num_heads=4,
    masked_frames=0.8,
    masked_joints=2,
    standardize=True)

# It is not selected on anything.
val_dataloader = None
val_evaluator = None
test_dataloader = None
test_evaluator = None

optim_wrapper = dict(optimizer=dict(type='AdamW', lr=1e-3))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, end=100, by_epoch=False),
    dict(
        type='CosineAnnealingLR',
        T_max=max_epochs,
        eta_min_ratio=0.01,
        by_epoch=True,
        convert_to_iter_based=True),
]
train_cfg = dict(by_epoch=True, max_epochs=max_epochs)

custom_hooks = [
    dict(type='mmdiffpose.FiniteLossHook'),
    dict(type='mmdiffpose.ProgressBarHook', name='pre-training'),
]
