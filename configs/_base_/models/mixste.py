# Copyright (c) mmdiffpose contributors. All rights reserved.
# MixSTE as a lifter, at its published size and with its own loss.
model = dict(
    type='PoseLifter',
    data_preprocessor=dict(type='mmdiffpose.LiftingDataPreprocessor'),
    head=dict(
        type='mmdiffpose.LiftingRegressionHead',
        in_channels=512,
        loss=dict(type='mmdiffpose.MixSTELoss')),
    test_cfg=dict(flip_test=True))
