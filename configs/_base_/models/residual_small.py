# Copyright (c) mmdiffpose contributors. All rights reserved.
# Residual diffusion on a frozen context encoder of 64 channels: a wide
# regression, which runs once a frame, and a narrow denoiser.
model = dict(
    type='mmdiffpose.DiffusionPoseLifter',
    coarse_head=dict(type='mmdiffpose.LiftingRegressionHead', in_channels=64),
    head=dict(
        type='mmdiffpose.ResidualDiffusionHead',
        in_channels=64,
        refine=dict(width=256),
        diffusion=dict(
            denoiser=dict(type='mmdiffpose.ResidualMLP', width=128),
            num_draws=8)),
    test_cfg=dict(num_hypotheses=10, num_sampling_steps=2))
