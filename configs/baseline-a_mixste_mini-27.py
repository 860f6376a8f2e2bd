# Copyright (c) mmdiffpose contributors. All rights reserved.
# The control of diffpose_mixste_mini-27.py: the same network, trained as long
# on the same frozen encoder, as a single-pass regressor ("Baseline A").
_base_ = ['diffpose_mixste_mini-27.py']

model = dict(
    head=dict(
        _delete_=True,
        type='mmdiffpose.SinglePassHead',
        in_channels=64,
        denoiser=dict(type='mmdiffpose.GCNAttention', channels=64, dropout=0.),
        condition_on_start=True,
        decoder=_base_.codec),
    test_cfg=dict(_delete_=True))
