# Copyright (c) mmdiffpose contributors. All rights reserved.
# DiffHPE-2D without an encoder: a CSDI-GCN regresses the pose from the 2D
# keypoints in a single pass, another one samples the scaled residual, both of
# all frames at once. The regression is the control of
# diffhpe-2d-control_views-27.py, trained beside what it is compared with.
_base_ = ['residual_frames_views-27.py']

max_epochs = 3
csdi = dict(
    type='mmdiffpose.CSDIGCN',
    seq_len=_base_.seq_len,
    dropout=0.,
    num_blocks=3,
    channels=48)
model = dict(
    backbone=dict(
        _delete_=True,
        type='mmdiffpose.IdentityContext',
        seq_len=_base_.seq_len,
        standardize=True),
    coarse_head=None,
    head=dict(
        _delete_=True,
        type='mmdiffpose.DiffHPEHead',
        denoiser=dict(
            csdi,
            channels=32,
            num_blocks=2,
            context_channels=32,
            pose_channels=32),
        loss=_base_.pose_loss,
        residual_diffusion=dict(
            regression=dict(csdi, context_channels=3),
            refine=dict(width=256),
            diffusion=dict(num_draws=1),
            diffusion_stride=4),
        decoder=_base_.codec))

train_dataloader = dict(dataset=dict(law=dict(bodies=_base_.all_sizes)))
optim_wrapper = dict(optimizer=dict(lr=2e-3))
param_scheduler = [
    dict(_base_.warmup, end=200),
    dict(_base_.cosine, T_max=max_epochs),
]
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
custom_hooks = [
    *_base_.custom_hooks[:-1],
    dict(type='mmdiffpose.ProgressBarHook', name='DiffHPE-2D'),
]
