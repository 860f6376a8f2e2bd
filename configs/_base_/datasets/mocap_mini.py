# Copyright (c) mmdiffpose contributors. All rights reserved.
# mocap-mini, the motion capture that comes with the package: real motion,
# four virtual cameras, simulated 2D detections. See
# mmdiffpose/data/mocap_mini_ATTRIBUTION.md.
seq_len = 27

codec = dict(type='mmdiffpose.GMMDiffusionPose')

meta_keys = ('id', 'category_id', 'target_img_path', 'flip_indices',
             'camera_param', 'subject', 'action', 'camera', 'clip',
             'frame_ids', 'target_frame')
train_pipeline = [
    # Fresh noise at every visit: on noise that it has seen before, an encoder
    # is surer than it will be at test, and the head would learn to trust it.
    dict(type='mmdiffpose.RedrawDetectorNoise'),
    dict(type='mmdiffpose.LiftingFlip'),
    dict(type='GenerateTarget', encoder=codec),
    dict(type='PackPoseInputs', meta_keys=meta_keys),
]
test_pipeline = [
    dict(type='GenerateTarget', encoder=codec),
    dict(type='PackPoseInputs', meta_keys=meta_keys),
]

train_dataloader = dict(
    batch_size=16,
    num_workers=1,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='mmdiffpose.MocapMiniDataset',
        split='train',
        # Turned copies of the clips: twelve viewing directions, not four.
        headings=(0., 30., 60.),
        seq_len=seq_len,
        stride=seq_len,
        random_phase=True,
        pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=64,
    num_workers=0,
    persistent_workers=False,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    dataset=dict(
        type='mmdiffpose.MocapMiniDataset',
        split='val',
        seq_len=seq_len,
        pipeline=test_pipeline,
        test_mode=True))
test_dataloader = dict(
    batch_size=64,
    num_workers=0,
    persistent_workers=False,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    dataset=dict(
        type='mmdiffpose.MocapMiniDataset',
        split='test',
        seq_len=seq_len,
        pipeline=test_pipeline,
        test_mode=True))

val_evaluator = dict(type='mmdiffpose.PoseLiftingMetric')
test_evaluator = [
    dict(type='mmdiffpose.PoseLiftingMetric'),
    dict(type='mmdiffpose.MultiHypothesisMetric', required=False),
    dict(type='mmdiffpose.CoherenceMetric'),
    dict(type='mmdiffpose.UncertaintyMetric'),
]
