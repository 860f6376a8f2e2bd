# Copyright (c) mmdiffpose contributors. All rights reserved.
# The optimiser of the small context encoders.
_base_ = ['cosine.py']

optim_wrapper = dict(
    optimizer=dict(type='AdamW', lr=2e-3, weight_decay=0.05),
    clip_grad=dict(max_norm=1.))
