# Copyright (c) mmdiffpose contributors. All rights reserved.
# A DiffHPE-2D that a CPU trains: 4 blocks in place of 16.
model = dict(
    type='mmdiffpose.DiffusionPoseLifter',
    backbone=dict(type='mmdiffpose.IdentityContext', standardize=True),
    head=dict(
        type='mmdiffpose.DiffHPEHead',
        denoiser=dict(type='mmdiffpose.CSDIGCN', num_blocks=4, dropout=0.)),
    # Published is without a bound on the estimated pose (metres); with it
    # the error on mocap-mini's validation split is smaller.
    test_cfg=dict(num_hypotheses=5, clip=1.1))
