# Copyright (c) mmdiffpose contributors. All rights reserved.
# GraFormer, small, on single frames of HDM05: the context encoder of
# diffpose_graformer_hdm05-1.py. Converges in some 9 minutes on one CPU core.
_base_ = [
    '_base_/datasets/hdm05_1.py', '_base_/encoders/graformer_small.py',
    '_base_/models/graformer_small.py', '_base_/schedules/encoder_small.py',
    '_base_/encoder_runtime.py'
]

max_epochs = 40
model = dict(backbone=_base_.encoder, head=dict(decoder=_base_.codec))

train_dataloader = dict(batch_size=256)
param_scheduler = [
    dict(_base_.warmup, end=100),
    dict(_base_.cosine, T_max=max_epochs),
]
train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=10)
