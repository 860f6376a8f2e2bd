# Copyright (c) mmdiffpose contributors. All rights reserved.
# A recording file of one's own, 27 frames; see docs/own_data.md. A config
# that inherits this says in ann_file where it lies and in subjects who is in
# which split.
_base_ = ['lifting.py']
seq_len = 27

_dataset = dict(
    type='mmdiffpose.RecordingDataset',
    ann_file='data/own.npz',
    seq_len=seq_len)
train_dataloader = dict(batch_size=16, dataset=dict(**_dataset, stride=9))
val_dataloader = dict(batch_size=64, dataset=_dataset)
test_dataloader = dict(batch_size=64, dataset=_dataset)
