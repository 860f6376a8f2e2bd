# Copyright (c) mmdiffpose contributors. All rights reserved.
# What configs of diffusion models share on top of the runtime. Those of other
# methods than DiffPose put a progress bar of their own after diffusion_hooks.
_base_ = ['default_runtime.py']

val_cfg = dict()
test_cfg = dict()

diffusion_hooks = [
    dict(type='mmdiffpose.FiniteLossHook'),
    dict(type='mmdiffpose.ResumedScheduleHook'),
    dict(type='mmdiffpose.StdCalibrationHook'),
]
custom_hooks = [
    *diffusion_hooks,
    dict(type='mmdiffpose.ProgressBarHook', name='DiffPose'),
]
