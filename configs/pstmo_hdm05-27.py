# Copyright (c) mmdiffpose contributors. All rights reserved.
# P-STMO, small, on HDM05, 27 frames: pre-training, then this fine-tuning, in
# one command; the context encoder of diffpose_pstmo_hdm05-27.py.
_base_ = [
    '_base_/datasets/hdm05.py', '_base_/encoders/pstmo_small.py',
    '_base_/schedules/encoder_small.py', '_base_/encoder_runtime.py'
]

max_epochs = 24
model = dict(
    type='PoseLifter',
    data_preprocessor=dict(type='mmdiffpose.LiftingDataPreprocessor'),
    backbone=dict(_base_.encoder, seq_len=_base_.seq_len),
    head=dict(
        type='mmdiffpose.ManyToOneRegressionHead',
        in_channels=64,
        loss=dict(type='mmdiffpose.MPJPELoss'),
        decoder=_base_.codec))

param_scheduler = [
    dict(_base_.warmup, end=100),
    dict(_base_.cosine, T_max=max_epochs),
]
train_cfg = dict(
    type='mmdiffpose.PretrainedTrainLoop',
    max_epochs=max_epochs,
    val_interval=4,
    pretrain_config='{{ fileDirname }}/pstmo_pretrain_hdm05-27.py')
