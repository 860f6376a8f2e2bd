# Copyright (c) mmdiffpose contributors. All rights reserved.
# MPI-INF-3DHP, exact 2D poses, eight training cameras, valid test frames. The
# files are those of tools/dataset_converters/mpi_inf_3dhp.py with annot3;
# P-STMO's figures are on univ_annot3, which is another benchmark.
seq_len = 81
data_root = 'data/mpi_inf_3dhp/'
target = 'annot3'

# S8 is held out of training, as in human36m.py. Published figures train on
# all eight subjects; TS1 to TS6 are for final numbers only.
train_subjects = ['S1', 'S2', 'S3', 'S4', 'S5', 'S6', 'S7']
val_subjects = ['S8']

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
    type='mmdiffpose.MPIINF3DHPLiftingDataset',
    data_root=data_root,
    ann_file=f'annotation_body3d/mpi_inf_3dhp_train_{target}.npz',
    camera_param_file='annotation_body3d/cameras.pkl',
    seq_len=seq_len)
_test_files = dict(
    type='mmdiffpose.MPIINF3DHPLiftingDataset',
    data_root=data_root,
    ann_file=f'annotation_body3d/mpi_inf_3dhp_test_{target}.npz',
    camera_param_file='annotation_body3d/cameras.pkl',
    seq_len=seq_len)

train_dataloader = dict(
    batch_size=12,
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
    batch_size=12,
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
    batch_size=12,
    num_workers=2,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    dataset=dict(**_test_files, pipeline=test_pipeline, test_mode=True))

# PCK at 150 mm and AUC over 0 to 150 mm on the data set's 14 joints; each
# also as the mean over the six sequences ("action" or "sequence" mean).
_poses = dict(
    type='mmdiffpose.PoseLiftingMetric', metrics=('MPJPE', 'PCK', 'AUC'))
# A list, because MMEngine takes a dict with "metrics" for an evaluator.
val_evaluator = [_poses]
test_evaluator = [
    _poses,
    dict(type='mmdiffpose.MultiHypothesisMetric', required=False),
    dict(type='mmdiffpose.CoherenceMetric'),
    dict(type='mmdiffpose.UncertaintyMetric'),
]
