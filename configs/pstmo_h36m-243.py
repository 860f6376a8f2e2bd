# Copyright (c) mmdiffpose contributors. All rights reserved.
# P-STMO on Human3.6M, 243 frames: pre-training, then this fine-tuning, in one
# command. As DiffPose's encoder it predicts all frames of a window; to test
# its own protocol, one frame of each window:
#   --cfg-options model.backbone.output=center test_dataloader.dataset.stride=1
_base_ = [
    '_base_/datasets/human36m.py', '_base_/encoders/pstmo.py',
    '_base_/encoder_runtime.py'
]

max_epochs = 80
model = dict(
    type='PoseLifter',
    data_preprocessor=dict(type='mmdiffpose.LiftingDataPreprocessor'),
    backbone=dict(_base_.encoder, seq_len=_base_.seq_len),
    head=dict(
        type='mmdiffpose.ManyToOneRegressionHead',
        in_channels=128,
        loss=dict(type='mmdiffpose.MPJPELoss'),
        decoder=_base_.codec),
    test_cfg=dict(flip_test=True))

train_dataloader = dict(batch_size=160, dataset=dict(stride=9))
val_dataloader = dict(batch_size=160)
test_dataloader = dict(batch_size=160)
optim_wrapper = dict(optimizer=dict(type='Adam', lr=1e-3, amsgrad=True))
param_scheduler = [dict(type='ExponentialLR', gamma=0.97, by_epoch=True)]
auto_scale_lr = dict(base_batch_size=160)
train_cfg = dict(
    type='mmdiffpose.PretrainedTrainLoop',
    max_epochs=max_epochs,
    val_interval=1,
    pretrain_config='{{ fileDirname }}/pstmo_pretrain_h36m-243.py')
