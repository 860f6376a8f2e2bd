# Copyright (c) mmdiffpose contributors. All rights reserved.
# The control of diffhpe-2d_views-27.py: all its regressions, no diffusion.
_base_ = ['diffhpe-2d_views-27.py']

model = dict(
    head=dict(
        _delete_=True,
        type='mmdiffpose.RefiningHead',
        regression=dict(_base_.csdi, context_channels=3),
        refine=dict(width=256),
        loss=_base_.pose_loss,
        decoder=_base_.codec),
    test_cfg=dict(_delete_=True))
custom_hooks = [
    dict(type='mmdiffpose.FiniteLossHook'),
    *_base_.custom_hooks[2:-1],
    dict(type='mmdiffpose.ProgressBarHook', name='control'),
]
