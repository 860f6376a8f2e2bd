# Copyright (c) mmdiffpose contributors. All rights reserved.
# The model zoo's DiffHPE-2D, small, 27 frames. Other than published, the
# network predicts the pose, training draws noisy steps more often, and
# sampling is DDIM's; README.md in this folder says what was measured.
_base_ = [
    '_base_/datasets/hdm05_cmu.py', '_base_/models/diffhpe_2d_small.py',
    '_base_/schedules/diffhpe_small.py', '_base_/diffusion_runtime.py'
]

max_epochs = 6
model = dict(
    backbone=dict(seq_len=_base_.seq_len),
    head=dict(
        denoiser=dict(seq_len=_base_.seq_len, channels=64),
        target='sample',
        loss=dict(type='mmdiffpose.MPJPELoss'),
        step_exponent=0.3,
        decoder=_base_.codec),
    test_cfg=dict(sampler='ddim', num_sampling_steps=5))

train_dataloader = dict(batch_size=32)
param_scheduler = [
    dict(_base_.warmup, end=100),
    dict(_base_.cosine, T_max=max_epochs),
]
train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=max_epochs)
test_evaluator = [
    *_base_.test_evaluator,
    dict(type='mmdiffpose.AggregationMetric', required=False)
]

custom_hooks = [
    *_base_.diffusion_hooks,
    dict(type='mmdiffpose.ProgressBarHook', name='DiffHPE-2D'),
]
