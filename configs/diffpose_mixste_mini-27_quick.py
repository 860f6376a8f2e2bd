# Copyright (c) mmdiffpose contributors. All rights reserved.
# What tools/quickstart.sh trains in five minutes on two cores:
# diffpose_mixste_mini-27.py in fewer epochs. It shows the method at work, not
# how good it gets.
_base_ = ['diffpose_mixste_mini-27.py']

max_epochs = 3
param_scheduler = [
    dict(_base_.warmup, end=40),
    dict(_base_.cosine, T_max=max_epochs),
]
train_cfg = dict(
    max_epochs=max_epochs,
    val_interval=max_epochs,
    context_config='{{ fileDirname }}/mixste_mini-27_quick.py')
