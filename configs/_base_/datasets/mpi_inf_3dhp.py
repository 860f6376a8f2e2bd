# Copyright (c) mmdiffpose contributors. All rights reserved.
# MPI-INF-3DHP, exact 2D poses, eight training cameras, valid test frames. The
# files are those of tools/dataset_converters/mpi_inf_3dhp.py with annot3;
# P-STMO's figures are on univ_annot3, which is another benchmark.
_base_ = ['lifting.py']
seq_len = 81
data_root = 'data/mpi_inf_3dhp/'
target = 'annot3'

# S8 is held out of training, as in human36m.py. Published figures train on
# all eight subjects; TS1 to TS6 are for final numbers only.
train_subjects = ['S1', 'S2', 'S3', 'S4', 'S5', 'S6', 'S7']
val_subjects = ['S8']

_files = dict(
    type='mmdiffpose.MPIINF3DHPLiftingDataset',
    data_root=data_root,
    camera_param_file='annotation_body3d/cameras.pkl',
    seq_len=seq_len)
_train_files = dict(
    **_files, ann_file=f'annotation_body3d/mpi_inf_3dhp_train_{target}.npz')
_test_files = dict(
    **_files, ann_file=f'annotation_body3d/mpi_inf_3dhp_test_{target}.npz')

train_dataloader = dict(
    batch_size=12,
    dataset=dict(**_train_files, subjects=train_subjects, stride=seq_len))
val_dataloader = dict(
    batch_size=12, dataset=dict(**_train_files, subjects=val_subjects))
test_dataloader = dict(batch_size=12, dataset=_test_files)

# PCK at 150 mm and AUC over 0 to 150 mm on the data set's 14 joints; each
# also as the mean over the six sequences ("action" or "sequence" mean).
_poses = dict(
    type='mmdiffpose.PoseLiftingMetric', metrics=('MPJPE', 'PCK', 'AUC'))
# A list, because MMEngine takes a dict with "metrics" for an evaluator.
val_evaluator = [_poses]
test_evaluator = [_poses, *_base_.test_evaluator[1:]]
