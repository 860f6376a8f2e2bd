# Copyright (c) mmdiffpose contributors. All rights reserved.
# A lifter for real cameras: motions seen by a new camera, detector and body at
# each visit, joints missing as they do, 27 frames. Encoder, regressions and
# denoiser are trained at once; what stands behind the encoder sees its
# features with gradients stopped.
_base_ = [
    '_base_/datasets/views_27.py', '_base_/encoders/frame_transformer.py',
    '_base_/schedules/encoder_small.py', '_base_/diffusion_runtime.py'
]

# Windows are drawn at all of these frames a second: no track between them is
# resampled.
lifter_fps = (12., 60.)

# Mean joint distance, and that of the velocity: poses that don't shake.
pose_loss = dict(
    type='mmdiffpose.MixSTELoss',
    joint_weights=(1., ) * 17,
    consistency_weight=0.,
    velocity_weight=2.)
model = dict(
    type='mmdiffpose.DiffusionPoseLifter',
    freeze_context=False,
    backbone=dict(_base_.encoder, seq_len=_base_.seq_len),
    coarse_head=dict(type='mmdiffpose.LiftingRegressionHead', in_channels=32),
    head=dict(
        type='mmdiffpose.ResidualDiffusionHead',
        in_channels=32,
        refine=dict(width=256),
        diffusion=dict(
            denoiser=dict(type='mmdiffpose.ResidualMLP', width=128),
            num_draws=2),
        diffusion_weight=0.2,
        diffusion_stride=3,
        loss=pose_loss,
        decoder=_base_.codec),
    test_cfg=dict(num_hypotheses=10, num_sampling_steps=1))

max_epochs = 20
# Where sampling starts is nothing that the denoiser learns: no mixtures here.
train_dataloader = dict(batch_size=64, dataset=dict(codec=None))
optim_wrapper = dict(
    optimizer=dict(lr=1e-3, betas=(0.9, 0.99)), clip_grad=dict(max_norm=1.))
param_scheduler = [
    dict(_base_.warmup, end=200),
    dict(_base_.cosine, T_max=max_epochs),
]
train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=5)
custom_hooks = [
    *_base_.diffusion_hooks,
    dict(type='EMAHook', ema_type='ExpMomentumEMA', momentum=0.001),
    dict(type='mmdiffpose.ProgressBarHook', name='lifter of drawn views'),
]
