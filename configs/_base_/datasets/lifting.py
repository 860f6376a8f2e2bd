# Copyright (c) mmdiffpose contributors. All rights reserved.
# What the lifting data sets share: codec, pipelines, loaders, evaluators. A
# data set adds its own files, windows and batch sizes.
codec = dict(type='mmdiffpose.GMMDiffusionPose')

meta_keys = ('id', 'category_id', 'target_img_path', 'flip_indices',
             'camera_param', 'subject', 'action', 'camera', 'clip',
             'frame_ids', 'target_frame')
test_pipeline = [
    dict(type='GenerateTarget', encoder=codec),
    dict(type='PackPoseInputs', meta_keys=meta_keys),
]
train_pipeline = [dict(type='mmdiffpose.LiftingFlip'), *test_pipeline]

train_dataloader = dict(
    num_workers=2,
    persistent_workers=True,
    drop_last=True,
    collate_fn=dict(type='mmdiffpose.compact_collate'),
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(random_phase=True, pipeline=train_pipeline))
# Without collate_fn, which MMEngine's inferencers fail to read from here.
test_dataloader = dict(
    num_workers=2,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    dataset=dict(pipeline=test_pipeline, test_mode=True))
val_dataloader = dict(
    test_dataloader, collate_fn=dict(type='mmdiffpose.compact_collate'))

val_evaluator = dict(type='mmdiffpose.PoseLiftingMetric')
test_evaluator = [
    dict(type='mmdiffpose.PoseLiftingMetric'),
    dict(type='mmdiffpose.MultiHypothesisMetric', required=False),
    dict(type='mmdiffpose.CoherenceMetric'),
    dict(type='mmdiffpose.UncertaintyMetric'),
]
