# Copyright (c) mmdiffpose contributors. All rights reserved.
# Human3.6M, windows of 27 frames.
_base_ = ['human36m.py']
seq_len = 27

train_dataloader = dict(
    batch_size=37, dataset=dict(seq_len=seq_len, stride=seq_len))
val_dataloader = dict(batch_size=37, dataset=dict(seq_len=seq_len))
test_dataloader = dict(batch_size=37, dataset=dict(seq_len=seq_len))
