# Copyright (c) mmdiffpose contributors. All rights reserved.
# DiffPose at the paper's size on Human3.6M, 243 frames: frozen MixSTE (512-d,
# depth 8).
_base_ = [
    '_base_/datasets/human36m.py', '_base_/encoders/mixste_w512.py',
    '_base_/models/diffpose.py', '_base_/schedules/diffpose_80e.py',
    '_base_/diffusion_runtime.py'
]

model = dict(
    backbone=dict(_base_.encoder, seq_len=_base_.seq_len),
    coarse_head=dict(type='mmdiffpose.LiftingRegressionHead', in_channels=512),
    head=dict(in_channels=512, decoder=_base_.codec))

auto_scale_lr = dict(base_batch_size=4)
train_cfg = dict(context_config='{{ fileDirname }}/mixste_h36m-243.py')
