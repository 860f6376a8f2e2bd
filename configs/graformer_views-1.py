# Copyright (c) mmdiffpose contributors. All rights reserved.
# GraFormer told which joints are missing, on single frames of drawn views,
# with a second regression and its std on stopped features.
_base_ = ['residual_frames_views-27.py']

seq_len = 1
lifter_fps = None

max_epochs = 4
model = dict(
    backbone=dict(
        _delete_=True,
        type='mmdiffpose.GraFormer',
        in_channels=3,
        embed_dims=64,
        num_layers=3,
        dropout=0.,
        graph_dropout=0.,
        attn_drop=0.),
    coarse_head=dict(in_channels=64),
    head=dict(
        _delete_=True,
        type='mmdiffpose.RefiningHead',
        in_channels=64,
        refine=dict(width=256),
        decoder=_base_.codec),
    test_cfg=dict(_delete_=True))

train_dataloader = dict(
    batch_size=512,
    dataset=dict(
        seq_len=seq_len, windows=512_000, law=dict(bodies=_base_.all_sizes)))
val_dataloader = dict(
    batch_size=1024, dataset=dict(seq_len=seq_len, windows=10_000))
test_dataloader = dict(batch_size=1024, dataset=dict(seq_len=seq_len))
optim_wrapper = dict(optimizer=dict(lr=2e-3))
param_scheduler = [
    dict(_base_.warmup, end=200),
    dict(_base_.cosine, T_max=max_epochs),
]
train_cfg = dict(max_epochs=max_epochs, val_interval=2)
custom_hooks = [
    dict(type='mmdiffpose.FiniteLossHook'),
    *_base_.custom_hooks[2:-1],
    dict(type='mmdiffpose.ProgressBarHook', name='GraFormer'),
]
