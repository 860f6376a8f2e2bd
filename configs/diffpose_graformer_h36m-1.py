# Copyright (c) mmdiffpose contributors. All rights reserved.
# DiffPose on single frames of Human3.6M: frozen GraFormer, otherwise as
# diffpose_mixste_h36m-243.py.
_base_ = [
    '_base_/datasets/human36m_1.py', '_base_/encoders/graformer.py',
    '_base_/models/diffpose.py', '_base_/schedules/diffpose_80e.py',
    '_base_/diffusion_runtime.py'
]

model = dict(
    backbone=_base_.encoder,
    coarse_head=dict(type='mmdiffpose.GraphRegressionHead', in_channels=96),
    head=dict(in_channels=96, decoder=_base_.codec))

auto_scale_lr = dict(base_batch_size=1024)
train_cfg = dict(context_config='{{ fileDirname }}/graformer_h36m-1.py')
