# Copyright (c) mmdiffpose contributors. All rights reserved.
# The optimiser of the small DiffHPE: a learning rate that falls to its end in
# place of a plateau's.
_base_ = ['cosine.py']

optim_wrapper = dict(
    optimizer=dict(type='Adam', lr=2e-3, weight_decay=1e-6),
    clip_grad=dict(max_norm=1.))
