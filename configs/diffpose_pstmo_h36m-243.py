# Copyright (c) mmdiffpose contributors. All rights reserved.
# DiffPose on Human3.6M with P-STMO as context encoder, 243 frames (the paper's
# Table 6), in one command of three stages: pre-training, encoder, DiffPose.
# What the paper leaves open, and how it is decided, stands in PSTMO.
_base_ = [
    '_base_/datasets/human36m.py', '_base_/encoders/pstmo.py',
    '_base_/models/diffpose.py', '_base_/schedules/diffpose_80e.py',
    '_base_/diffusion_runtime.py'
]

model = dict(
    backbone=dict(_base_.encoder, seq_len=_base_.seq_len),
    coarse_head=dict(type='mmdiffpose.LiftingRegressionHead', in_channels=128),
    head=dict(in_channels=128, decoder=_base_.codec))

auto_scale_lr = dict(base_batch_size=4)
train_cfg = dict(context_config='{{ fileDirname }}/pstmo_h36m-243.py')
