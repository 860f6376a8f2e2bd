# Copyright (c) mmdiffpose contributors. All rights reserved.
# What turns a DiffHPE config into its control: the same network on the same
# condition as a single-pass regressor.
control_model = dict(
    head=dict(type='mmdiffpose.DenoiserRegressionHead'),
    test_cfg=dict(_delete_=True))
control_hooks = [
    dict(type='mmdiffpose.FiniteLossHook'),
    dict(type='mmdiffpose.ResidualCalibrationHook'),
    dict(type='mmdiffpose.ProgressBarHook', name='control'),
]
