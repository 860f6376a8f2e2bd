# Copyright (c) mmdiffpose contributors. All rights reserved.
# DiffPose as its released single-frame code does it, which is not the
# paper's: a five-channel denoiser (u, v, x, y, z) that refines the frozen
# GraFormer's poses in two steps without noise. For released weights, or as a
# baseline; diffpose_graformer_h36m-1.py is the paper's method.
# On ground-truth 2D the steps are others:
#   --cfg-options "model.test_cfg.sampling_range=(12,2)"
_base_ = ['diffpose_graformer_h36m-1.py']

model = dict(
    head=dict(
        _delete_=True,
        type='mmdiffpose.ReleasedDiffPoseHead',
        denoiser=dict(type='mmdiffpose.GCNDiff'),
        decoder=_base_.codec),
    test_cfg=dict(_delete_=True, sampling_range=(24, 2)))

# The released detected-2D model is trained on exact 2D and tested on CPN's;
# nothing is mirrored in training.
train_dataloader = dict(
    dataset=dict(keypoint_2d_src='gt', pipeline=_base_.test_pipeline))

custom_hooks = [
    dict(type='mmdiffpose.FiniteLossHook'),
    dict(type='mmdiffpose.ProgressBarHook', name='DiffPose (released)'),
    # Tracked and saved, never evaluated, as there.
    dict(type='mmdiffpose.TrackedEMAHook', momentum=0.001),
]
