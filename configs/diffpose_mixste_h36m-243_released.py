# Copyright (c) mmdiffpose contributors. All rights reserved.
# DiffPose as its released video code does it, which is not the paper's: a
# five-channel denoiser (u, v, x, y, z) that refines the frozen MixSTE's poses
# frame by frame in one step without noise. For released weights, or as a
# baseline; diffpose_mixste_h36m-243.py is the paper's method.
# On ground-truth 2D it takes two steps:
#   --cfg-options "model.test_cfg.sampling_range=(12,2)"
_base_ = ['diffpose_mixste_h36m-243.py']

model = dict(
    head=dict(
        _delete_=True,
        type='mmdiffpose.ReleasedDiffPoseHead',
        denoiser=dict(type='mmdiffpose.GCNDiff'),
        # Of u, v, x, y, z; hard-coded in the released video code.
        noise_scale=(0.5, 0.5, 1., 1., 1.),
        decoder=_base_.codec),
    test_cfg=dict(_delete_=True, sampling_range=(6, 1), flip_test=True))

# Nothing is mirrored in training.
train_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))

custom_hooks = [
    dict(type='mmdiffpose.FiniteLossHook'),
    dict(type='mmdiffpose.ProgressBarHook', name='DiffPose (released)'),
    # Tracked and saved, never evaluated, as there.
    dict(type='mmdiffpose.TrackedEMAHook', momentum=0.001),
]
