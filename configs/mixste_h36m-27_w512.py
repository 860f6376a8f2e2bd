# Copyright (c) mmdiffpose contributors. All rights reserved.
# MixSTE at its published size, loss and schedule on Human3.6M, 27 frames, in
# batches of 1024 // 27 windows. mixste_h36m-27.py is DiffHPE's small one.
_base_ = [
    '_base_/datasets/human36m_27.py', '_base_/encoders/mixste_w512.py',
    '_base_/models/mixste.py', '_base_/schedules/mixste_240e.py',
    '_base_/encoder_runtime.py'
]

model = dict(
    backbone=dict(_base_.encoder, seq_len=_base_.seq_len),
    head=dict(decoder=_base_.codec))

auto_scale_lr = dict(base_batch_size=37)
