# Copyright (c) mmdiffpose contributors. All rights reserved.
# GraFormer on single frames of Human3.6M, at the size of DiffPose's released
# encoder and with GraFormer's own recipe.
_base_ = [
    '_base_/datasets/human36m_1.py', '_base_/encoders/graformer.py',
    '_base_/encoder_runtime.py'
]

max_epochs = 100
model = dict(
    type='PoseLifter',
    data_preprocessor=dict(type='mmdiffpose.LiftingDataPreprocessor'),
    backbone=_base_.encoder,
    head=dict(
        type='mmdiffpose.GraphRegressionHead',
        in_channels=96,
        # The mean over coordinates, of which a joint has three.
        loss=dict(type='mmdiffpose.SquaredErrorLoss', loss_weight=1 / 3),
        decoder=_base_.codec),
    test_cfg=dict(flip_test=True))

train_dataloader = dict(batch_size=64)
optim_wrapper = dict(
    optimizer=dict(type='Adam', lr=1e-3), clip_grad=dict(max_norm=1.))
param_scheduler = [
    dict(type='StepLR', step_size=50000, gamma=0.9, by_epoch=False)
]
auto_scale_lr = dict(base_batch_size=64)
train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=1)
