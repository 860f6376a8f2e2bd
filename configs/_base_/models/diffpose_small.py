# Copyright (c) mmdiffpose contributors. All rights reserved.
# A DiffPose that a CPU trains, on a frozen context encoder of 64 channels.
model = dict(
    type='mmdiffpose.DiffusionPoseLifter',
    coarse_head=dict(type='mmdiffpose.LiftingRegressionHead', in_channels=64),
    head=dict(
        type='mmdiffpose.DiffPoseHead',
        in_channels=64,
        denoiser=dict(type='mmdiffpose.GCNAttention', channels=64, dropout=0.),
        condition_on_start=True,
        num_steps=50,
        num_components=5,
        num_gmm_samples=64,
        target='sample',
        loss=dict(type='mmdiffpose.MPJPELoss'),
        step_exponent=0.3),
    # Chosen on mocap-mini's validation split, 27 frames, and kept:
    # docs/studies.md has the numbers.
    test_cfg=dict(num_hypotheses=10, num_sampling_steps=2))
