# Copyright (c) mmdiffpose contributors. All rights reserved.
# The control of diffhpe-2d_h36m-27.py: the same network on the same
# condition, trained as long, as a single-pass regressor.
_base_ = ['diffhpe-2d_h36m-27.py']

model = dict(
    head=dict(type='mmdiffpose.DenoiserRegressionHead'),
    test_cfg=dict(_delete_=True))

custom_hooks = [
    dict(type='mmdiffpose.FiniteLossHook'),
    dict(type='mmdiffpose.ResidualCalibrationHook'),
    dict(type='mmdiffpose.ProgressBarHook', name='control'),
]
