# Copyright (c) mmdiffpose contributors. All rights reserved.
# What configs of diffusion models share on top of the runtime. Those of other
# methods than DiffPose replace the hooks for their names' sake.
_base_ = ['default_runtime.py']

val_cfg = dict()
test_cfg = dict()

custom_hooks = [
    dict(type='mmdiffpose.FiniteLossHook'),
    dict(type='mmdiffpose.StdCalibrationHook'),
    dict(type='mmdiffpose.ProgressBarHook', name='DiffPose'),
]
