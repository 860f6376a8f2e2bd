# Copyright (c) mmdiffpose contributors. All rights reserved.
# What configs of pre-training share on top of the runtime.
_base_ = ['default_runtime.py']

custom_hooks = [
    dict(type='mmdiffpose.FiniteLossHook'),
    dict(type='mmdiffpose.ResumedScheduleHook'),
    dict(type='mmdiffpose.ProgressBarHook', name='pre-training'),
]
