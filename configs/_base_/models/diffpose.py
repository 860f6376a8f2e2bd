# Copyright (c) mmdiffpose contributors. All rights reserved.
# DiffPose at the paper's size, but for its frozen context encoder: K = 50
# steps, M = 5 components, N = 5 hypotheses, 5 DDIM steps.
model = dict(
    type='mmdiffpose.DiffusionPoseLifter',
    head=dict(
        type='mmdiffpose.DiffPoseHead',
        denoiser=dict(type='mmdiffpose.GCNAttention', channels=256),
        num_steps=50,
        num_components=5,
        num_train_hypotheses=5,
        # Eq. 8 predicts h_{k-1} ('previous') under a squared error; from
        # there to h_0, which DDIM needs, errors grow some thirtyfold. See
        # DiffPoseHead for what was measured.
        target='sample',
        loss=dict(type='mmdiffpose.MPJPELoss'),
        step_exponent=0.3),
    test_cfg=dict(num_hypotheses=5, num_sampling_steps=5, flip_test=True))
