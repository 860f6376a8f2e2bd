# Copyright (c) mmdiffpose contributors. All rights reserved.
# The small DiffHPE-2D that the open data are for. Other than published, the
# network predicts the pose, training draws noisy steps more often, and
# sampling is DDIM's; configs/README.md says what was measured.
_base_ = ['diffhpe_2d_small.py']

model = dict(
    head=dict(
        target='sample',
        loss=dict(type='mmdiffpose.MPJPELoss'),
        step_exponent=0.3),
    test_cfg=dict(sampler='ddim', num_sampling_steps=5))
