# Copyright (c) mmdiffpose contributors. All rights reserved.
"""mocap-mini without randomness beyond the head's own noise, for comparing
one process with several."""
_base_ = ['../../configs/diffpose_mixste_mini-27.py']

train_pipeline = [
    dict(type='GenerateTarget', encoder=_base_.codec),
    dict(type='PackPoseInputs', meta_keys=_base_.meta_keys),
]
model = dict(
    freeze_context=False,
    backbone=dict(drop_path_rate=0.),
    head=dict(start='joint'))
train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    persistent_workers=False,
    dataset=dict(pipeline=train_pipeline, random_phase=False, indices=48))
# Plain gradient descent: Adam turns rounding of tiny gradients into steps.
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='SGD', lr=0.05), clip_grad=None)
param_scheduler = []
train_cfg = dict(_delete_=True, by_epoch=True, max_epochs=1)
val_cfg = None
val_dataloader = None
val_evaluator = None
default_hooks = dict(checkpoint=dict(save_best=None))
