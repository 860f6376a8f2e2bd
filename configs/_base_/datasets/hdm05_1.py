# Copyright (c) mmdiffpose contributors. All rights reserved.
# The benchmark hdm05-1: single frames of HDM05. See configs/hdm05_protocol.md.
_base_ = ['hdm05.py']
seq_len = 1

train_dataloader = dict(
    batch_size=512, dataset=dict(seq_len=seq_len, stride=5))
val_dataloader = dict(batch_size=1024, dataset=dict(seq_len=seq_len))
test_dataloader = dict(batch_size=1024, dataset=dict(seq_len=seq_len))
