# Copyright (c) mmdiffpose contributors. All rights reserved.
# DiffPose on MPI-INF-3DHP, exact 2D poses. The paper does not state its
# number of frames; 81 is the choice of P-STMO and others there. Otherwise as
# diffpose_mixste_h36m-243.py.
_base_ = [
    '_base_/datasets/mpi_inf_3dhp.py', '_base_/encoders/mixste_w512.py',
    '_base_/models/diffpose.py', '_base_/schedules/diffpose_80e.py',
    '_base_/diffusion_runtime.py'
]

model = dict(
    backbone=dict(_base_.encoder, seq_len=_base_.seq_len),
    coarse_head=dict(type='mmdiffpose.LiftingRegressionHead', in_channels=512),
    head=dict(in_channels=512, decoder=_base_.codec))

auto_scale_lr = dict(base_batch_size=12)
train_cfg = dict(context_config='{{ fileDirname }}/mixste_3dhp-81.py')
