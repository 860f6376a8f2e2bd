# Copyright (c) mmdiffpose contributors. All rights reserved.
# Human3.6M, 50 fps, 2D poses of a fine-tuned CPN. The files are those of
# MMPose's converters or of tools/dataset_converters/h36m.py.
seq_len = 243
data_root = 'data/h36m/'
keypoint_2d_src = 'detection'

# S8 is held out of training: for choosing a checkpoint and for measuring how
# far off the context encoder is on a person that it has not seen. Published
# figures train on all five subjects; S9 and S11 are for final numbers only.
train_subjects = ['S1', 'S5', 'S6', 'S7']
val_subjects = ['S8']
test_subjects = ['S9', 'S11']

codec = dict(type='mmdiffpose.GMMDiffusionPose')

meta_keys = ('id', 'category_id', 'target_img_path', 'flip_indices',
             'camera_param', 'subject', 'action', 'camera', 'clip',
             'frame_ids', 'target_frame')
train_pipeline = [
    dict(type='mmdiffpose.LiftingFlip'),
    dict(type='GenerateTarget', encoder=codec),
    dict(type='PackPoseInputs', meta_keys=meta_keys),
]
test_pipeline = [
    dict(type='GenerateTarget', encoder=codec),
    dict(type='PackPoseInputs', meta_keys=meta_keys),
]

_train_files = dict(
    type='mmdiffpose.Human36MLiftingDataset',
    data_root=data_root,
    ann_file='annotation_body3d/fps50/h36m_train.npz',
    camera_param_file='annotation_body3d/cameras.pkl',
    keypoint_2d_src=keypoint_2d_src,
    keypoint_2d_det_file='joint_2d_det_files/cpn_ft_h36m_dbb_train.npy',
    seq_len=seq_len)
_test_files = dict(
    type='mmdiffpose.Human36MLiftingDataset',
    data_root=data_root,
    ann_file='annotation_body3d/fps50/h36m_test.npz',
    camera_param_file='annotation_body3d/cameras.pkl',
    keypoint_2d_src=keypoint_2d_src,
    keypoint_2d_det_file='joint_2d_det_files/cpn_ft_h36m_dbb_test.npy',
    seq_len=seq_len)

train_dataloader = dict(
    batch_size=4,
    num_workers=2,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        **_train_files,
        subjects=train_subjects,
        stride=seq_len,
        random_phase=True,
        pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=4,
    num_workers=2,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    dataset=dict(
        **_train_files,
        subjects=val_subjects,
        pipeline=test_pipeline,
        test_mode=True))
test_dataloader = dict(
    batch_size=4,
    num_workers=2,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    dataset=dict(
        **_test_files,
        subjects=test_subjects,
        pipeline=test_pipeline,
        test_mode=True))

val_evaluator = dict(type='mmdiffpose.PoseLiftingMetric')
test_evaluator = [
    dict(type='mmdiffpose.PoseLiftingMetric'),
    dict(type='mmdiffpose.MultiHypothesisMetric', required=False),
    dict(type='mmdiffpose.CoherenceMetric'),
    dict(type='mmdiffpose.UncertaintyMetric'),
]
