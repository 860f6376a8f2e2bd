# Copyright (c) mmdiffpose contributors. All rights reserved.
# DiffHPE-Wrapper on the frozen encoder of residual_frames_views-27.py: the
# scaled residual of a refined pose, by a CSDI-GCN of 32 channels that sees all
# frames of a window. Every fourth window of a batch trains it.
_base_ = ['diffpose_frames_views-27.py']

max_epochs = 6
model = dict(
    head=dict(
        _delete_=True,
        type='mmdiffpose.DiffHPEHead',
        denoiser=dict(
            type='mmdiffpose.CSDIGCN',
            seq_len=_base_.seq_len,
            channels=32,
            num_blocks=2,
            dropout=0.,
            context_channels=32,
            pose_channels=32),
        loss=_base_.pose_loss,
        residual_diffusion=dict(
            in_channels=32,
            refine=dict(width=256),
            diffusion=dict(num_draws=1),
            diffusion_stride=4),
        decoder=_base_.codec),
    # Its samples are too narrow: the factor is chosen on the validation actor.
    test_cfg=dict(spread=1.2))

param_scheduler = [
    dict(_base_.warmup, end=200),
    dict(_base_.cosine, T_max=max_epochs),
]
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
custom_hooks = [
    *_base_.custom_hooks[:-1],
    dict(type='mmdiffpose.ProgressBarHook', name='DiffHPE-Wrapper'),
]
