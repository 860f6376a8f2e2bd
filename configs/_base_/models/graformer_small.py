# Copyright (c) mmdiffpose contributors. All rights reserved.
# GraFormer as a lifter that a CPU trains.
model = dict(
    type='PoseLifter',
    head=dict(
        type='mmdiffpose.LiftingRegressionHead',
        in_channels=64,
        loss=dict(type='mmdiffpose.MPJPELoss')))
