# Copyright (c) mmdiffpose contributors. All rights reserved.
# MixSTE told which joints are missing, on drawn views, 27 frames, with a
# second regression and its std on stopped features: coarse_keypoints are
# MixSTE's own poses, keypoints the refined ones. The zoo's went on from
# mixste_hdm05-cmu-27, whose input has no mask.
_base_ = ['residual_frames_views-27.py']

max_epochs = 4
model = dict(
    backbone=dict(
        _delete_=True,
        type='mmdiffpose.MixSTE',
        seq_len=_base_.seq_len,
        in_channels=3,
        embed_dims=64,
        depth=2,
        num_heads=4,
        drop_path_rate=0.,
        standardize=True),
    coarse_head=dict(in_channels=64),
    head=dict(
        _delete_=True,
        type='mmdiffpose.RefiningHead',
        in_channels=64,
        refine=dict(width=256),
        loss=_base_.pose_loss,
        decoder=_base_.codec),
    test_cfg=dict(_delete_=True))

train_dataloader = dict(dataset=dict(law=dict(bodies=_base_.all_sizes)))
param_scheduler = [
    dict(_base_.warmup, end=200),
    dict(_base_.cosine, T_max=max_epochs),
]
train_cfg = dict(max_epochs=max_epochs, val_interval=2)
custom_hooks = [
    dict(type='mmdiffpose.FiniteLossHook'),
    *_base_.custom_hooks[2:-1],
    dict(type='mmdiffpose.ProgressBarHook', name='MixSTE'),
]
