# Copyright (c) mmdiffpose contributors. All rights reserved.
# MixSTE as DiffHPE's conditioner and baseline on Human3.6M, 27 frames: 64-d,
# a plain squared error, neither flips in training nor at test. MixSTE itself
# at 27 frames is mixste_h36m-27_w512.py.
_base_ = [
    '_base_/datasets/human36m_27.py', '_base_/encoders/mixste_w64.py',
    '_base_/encoder_runtime.py'
]

max_epochs = 500
model = dict(
    type='PoseLifter',
    data_preprocessor=dict(type='mmdiffpose.LiftingDataPreprocessor'),
    backbone=dict(_base_.encoder, seq_len=_base_.seq_len),
    head=dict(
        type='mmdiffpose.LiftingRegressionHead',
        in_channels=64,
        # The mean over coordinates, of which a joint has three.
        loss=dict(type='mmdiffpose.SquaredErrorLoss', loss_weight=1 / 3),
        decoder=_base_.codec))

# 25 windows: the released setting; the paper's "1024" may count frames.
train_dataloader = dict(
    batch_size=25, dataset=dict(pipeline=_base_.test_pipeline))
# Published for MixSTE, whose parameters DiffHPE says it keeps.
optim_wrapper = dict(optimizer=dict(type='AdamW', lr=4e-5, weight_decay=0.1))
param_scheduler = [dict(type='ExponentialLR', gamma=0.99, by_epoch=True)]
auto_scale_lr = dict(base_batch_size=25)
train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=5)
