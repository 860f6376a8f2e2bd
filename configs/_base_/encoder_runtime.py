# Copyright (c) mmdiffpose contributors. All rights reserved.
# What configs of context encoders share on top of the runtime.
_base_ = ['default_runtime.py']

val_cfg = dict()
test_cfg = dict()

custom_hooks = [
    dict(type='mmdiffpose.FiniteLossHook'),
    dict(type='mmdiffpose.ResumedScheduleHook'),
    dict(type='mmdiffpose.ProgressBarHook', name='context encoder'),
    dict(type='mmdiffpose.ResidualCalibrationHook'),
]
