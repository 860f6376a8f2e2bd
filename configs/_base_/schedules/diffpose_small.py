# Copyright (c) mmdiffpose contributors. All rights reserved.
# The optimiser of the small DiffPose, whose context encoder comes first.
_base_ = ['cosine.py']

optim_wrapper = dict(
    optimizer=dict(type='AdamW', lr=1e-3, weight_decay=0.01),
    clip_grad=dict(max_norm=1.))
train_cfg = dict(type='mmdiffpose.TwoStageTrainLoop')
