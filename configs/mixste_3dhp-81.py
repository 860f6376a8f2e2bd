# Copyright (c) mmdiffpose contributors. All rights reserved.
# MixSTE at its published size, loss and schedule on MPI-INF-3DHP, exact 2D
# poses, in batches of 1024 // 81 windows. Its own figures there are said to be
# with 27 frames; 81 is what diffpose_mixste_3dhp-81.py needs.
_base_ = [
    '_base_/datasets/mpi_inf_3dhp.py', '_base_/encoders/mixste_w512.py',
    '_base_/models/mixste.py', '_base_/schedules/mixste_240e.py',
    '_base_/encoder_runtime.py'
]

model = dict(
    backbone=dict(_base_.encoder, seq_len=_base_.seq_len),
    head=dict(decoder=_base_.codec))

auto_scale_lr = dict(base_batch_size=12)
