# Copyright (c) mmdiffpose contributors. All rights reserved.
# Human3.6M, single frames. An epoch sees every fifth frame, from another
# start each time: neighbours at 50 fps hardly differ.
_base_ = ['human36m.py']
seq_len = 1

train_dataloader = dict(
    batch_size=1024, dataset=dict(seq_len=seq_len, stride=5))
val_dataloader = dict(batch_size=1024, dataset=dict(seq_len=seq_len))
test_dataloader = dict(batch_size=1024, dataset=dict(seq_len=seq_len))
