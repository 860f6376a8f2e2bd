# Copyright (c) mmdiffpose contributors. All rights reserved.
# As diffusion_runtime.py, but the std is not calibrated on the validation
# split; tools/analysis_tools/calibrate.py does it afterwards.
_base_ = ['diffusion_runtime.py']

custom_hooks = [
    dict(type='mmdiffpose.FiniteLossHook'),
    dict(type='mmdiffpose.ProgressBarHook', name='DiffPose'),
]
