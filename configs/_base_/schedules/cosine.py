# Copyright (c) mmdiffpose contributors. All rights reserved.
# The two parts of a schedule that a config completes by the steps that the
# first takes and the epochs that the second takes:
#   param_scheduler = [
#       dict(_base_.warmup, end=40),
#       dict(_base_.cosine, T_max=max_epochs),
#   ]
warmup = dict(type='LinearLR', start_factor=0.05, by_epoch=False)
cosine = dict(
    type='CosineAnnealingLR',
    eta_min_ratio=0.01,
    by_epoch=True,
    convert_to_iter_based=True)
