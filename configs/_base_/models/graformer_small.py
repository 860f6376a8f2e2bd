# Copyright (c) mmdiffpose contributors. All rights reserved.
# GraFormer as a lifter that a CPU trains.
model = dict(
    type='PoseLifter',
    data_preprocessor=dict(type='mmdiffpose.LiftingDataPreprocessor'),
    head=dict(
        type='mmdiffpose.LiftingRegressionHead',
        in_channels=64,
        loss=dict(type='mmdiffpose.MPJPELoss')))
