# Copyright (c) mmdiffpose contributors. All rights reserved.
# The benchmark hdm05-27: HDM05 at 50 fps, four virtual cameras, simulated 2D
# detections, windows of 27 frames. See configs/hdm05_protocol.md. The files
# are those of tools/dataset_converters/hdm05.py, which reads this config.
_base_ = ['virtual_cameras.py']
seq_len = 27
data_root = 'data/hdm05/'

# Which actor is in which file.
splits = dict(train=['bd', 'bk', 'dg'], test=['mm', 'tr'])
# dg is held out for choosing checkpoints and settings and for measuring how
# far off an encoder is on a person that it has not seen. Final figures train
# on all three with what was chosen; mm and tr are for final figures only.
train_subjects = ['bd', 'bk']
val_subjects = ['dg']

codec = dict(type='mmdiffpose.GMMDiffusionPose')

meta_keys = ('id', 'category_id', 'target_img_path', 'flip_indices',
             'camera_param', 'subject', 'action', 'camera', 'clip',
             'frame_ids', 'target_frame')
train_pipeline = [
    # Fresh noise at every visit, as in mocap_mini.py.
    dict(
        type='mmdiffpose.RedrawDetectorNoise', detector=_base_.detector_noise),
    dict(type='mmdiffpose.LiftingFlip'),
    dict(type='GenerateTarget', encoder=codec),
    dict(type='PackPoseInputs', meta_keys=meta_keys),
]
test_pipeline = [
    dict(type='GenerateTarget', encoder=codec),
    dict(type='PackPoseInputs', meta_keys=meta_keys),
]

_train_files = dict(
    type='mmdiffpose.OpenMocapDataset',
    data_root=data_root,
    ann_file='annotation_body3d/fps50/hdm05_train.npz',
    camera_param_file='annotation_body3d/cameras.pkl',
    keypoint_2d_src='detection',
    keypoint_2d_det_file='joint_2d_det_files/virtual_train.npy',
    mixture_file='joint_2d_det_files/virtual_train_gmm.npy',
    virtual_cameras=_base_.virtual_cameras,
    seq_len=seq_len)
_test_files = dict(
    type='mmdiffpose.OpenMocapDataset',
    data_root=data_root,
    ann_file='annotation_body3d/fps50/hdm05_test.npz',
    camera_param_file='annotation_body3d/cameras.pkl',
    keypoint_2d_src='detection',
    keypoint_2d_det_file='joint_2d_det_files/virtual_test.npy',
    mixture_file='joint_2d_det_files/virtual_test_gmm.npy',
    virtual_cameras=_base_.virtual_cameras,
    seq_len=seq_len)

train_dataloader = dict(
    batch_size=32,
    num_workers=1,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        **_train_files,
        subjects=train_subjects,
        stride=9,
        random_phase=True,
        pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=64,
    num_workers=0,
    persistent_workers=False,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    dataset=dict(
        **_train_files,
        subjects=val_subjects,
        pipeline=test_pipeline,
        test_mode=True))
test_dataloader = dict(
    batch_size=64,
    num_workers=0,
    persistent_workers=False,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    dataset=dict(**_test_files, pipeline=test_pipeline, test_mode=True))

val_evaluator = dict(type='mmdiffpose.PoseLiftingMetric')
test_evaluator = [
    dict(type='mmdiffpose.PoseLiftingMetric'),
    dict(type='mmdiffpose.MultiHypothesisMetric', required=False),
    dict(type='mmdiffpose.CoherenceMetric'),
    dict(type='mmdiffpose.UncertaintyMetric', required=False),
]
