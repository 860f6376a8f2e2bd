# Copyright (c) mmdiffpose contributors. All rights reserved.
# D3DP at its published size and schedule on Human3.6M, 243 frames: a MixSTE
# that denoises whole poses given the 2D keypoints, K = 1000 steps of which
# DDIM takes 5, N = 5 hypotheses. Its estimate of the clean pose is averaged
# with that of the mirrored window at every step.
_base_ = ['_base_/datasets/human36m.py', '_base_/diffusion_runtime.py']

# Published are 400 epochs in which each clip comes twice, as it is and
# mirrored; here either comes once.
max_epochs = 800
model = dict(
    type='mmdiffpose.DiffusionPoseLifter',
    backbone=dict(type='mmdiffpose.IdentityContext', seq_len=_base_.seq_len),
    head=dict(
        type='mmdiffpose.DiffHPEHead',
        denoiser=dict(
            type='mmdiffpose.MixSTEDenoiser',
            seq_len=_base_.seq_len,
            embed_dims=512,
            depth=8,
            drop_path_rate=0.1,
            clip=1.1,
            num_steps=1000,
            mirror_average=True),
        num_steps=1000,
        schedule=dict(type='cosine', max_beta=0.999),
        target='sample',
        loss=dict(type='mmdiffpose.MPJPELoss'),
        decoder=_base_.codec),
    test_cfg=dict(
        num_hypotheses=5,
        sampler='ddim',
        num_sampling_steps=5,
        eta=1.,
        clip=1.1))

optim_wrapper = dict(optimizer=dict(type='AdamW', lr=6e-5, weight_decay=0.1))
param_scheduler = [dict(type='ExponentialLR', gamma=0.993**0.5, by_epoch=True)]
auto_scale_lr = dict(base_batch_size=4)
train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=20)

custom_hooks = [
    *_base_.diffusion_hooks,
    dict(type='mmdiffpose.ProgressBarHook', name='D3DP'),
]
