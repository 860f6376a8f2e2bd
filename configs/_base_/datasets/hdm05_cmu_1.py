# Copyright (c) mmdiffpose contributors. All rights reserved.
# As hdm05_cmu.py, single frames; batches as in hdm05_1.py.
_base_ = ['hdm05_cmu.py']
seq_len = 1

train_dataloader = dict(
    batch_size=512,
    dataset=dict(datasets=[
        dict(part, seq_len=seq_len, stride=15)
        for part in _base_.train_dataloader.dataset.datasets
    ]))
val_dataloader = dict(batch_size=1024, dataset=dict(seq_len=seq_len))
test_dataloader = dict(batch_size=1024, dataset=dict(seq_len=seq_len))
