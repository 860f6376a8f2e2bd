# Copyright (c) mmdiffpose contributors. All rights reserved.
# Masked pose modelling for a small P-STMO on HDM05, 27 frames, 2D only.
# pstmo_hdm05-27.py runs it by itself.
_base_ = [
    '_base_/datasets/hdm05.py', '_base_/schedules/cosine.py',
    '_base_/pretraining_runtime.py'
]

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
    dict(_base_.warmup, end=100),
    dict(_base_.cosine, T_max=max_epochs),
]
train_cfg = dict(by_epoch=True, max_epochs=max_epochs)
