# Copyright (c) mmdiffpose contributors. All rights reserved.
# The benchmark hdm05-27: HDM05 at 50 fps, four virtual cameras, simulated 2D
# detections, windows of 27 frames. See configs/hdm05_protocol.md. The files
# are those of tools/dataset_converters/hdm05.py, which reads this config.
_base_ = ['lifting.py', 'virtual_cameras.py']
seq_len = 27
data_root = 'data/hdm05/'

# Which actor is in which file.
splits = dict(train=['bd', 'bk', 'dg'], test=['mm', 'tr'])
# dg is held out for choosing checkpoints and settings and for measuring how
# far off an encoder is on a person that it has not seen. Final figures train
# on all three with what was chosen; mm and tr are for final figures only.
train_subjects = ['bd', 'bk']
val_subjects = ['dg']

# Fresh noise at every visit, as in mocap_mini.py.
train_pipeline = [
    dict(
        type='mmdiffpose.RedrawDetectorNoise', detector=_base_.detector_noise),
    *_base_.train_pipeline,
]

_files = dict(
    type='mmdiffpose.OpenMocapDataset',
    data_root=data_root,
    camera_param_file='annotation_body3d/cameras.pkl',
    keypoint_2d_src='detection',
    virtual_cameras=_base_.virtual_cameras,
    seq_len=seq_len)
_train_files = dict(
    **_files,
    ann_file='annotation_body3d/fps50/hdm05_train.npz',
    keypoint_2d_det_file='joint_2d_det_files/virtual_train.npy',
    mixture_file='joint_2d_det_files/virtual_train_gmm.npy')
_test_files = dict(
    **_files,
    ann_file='annotation_body3d/fps50/hdm05_test.npz',
    keypoint_2d_det_file='joint_2d_det_files/virtual_test.npy',
    mixture_file='joint_2d_det_files/virtual_test_gmm.npy')

train_dataloader = dict(
    batch_size=32,
    num_workers=1,
    dataset=dict(
        **_train_files,
        subjects=train_subjects,
        stride=9,
        pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=64,
    num_workers=0,
    persistent_workers=False,
    dataset=dict(**_train_files, subjects=val_subjects))
test_dataloader = dict(
    batch_size=64,
    num_workers=0,
    persistent_workers=False,
    dataset=_test_files)

test_evaluator = [
    *_base_.test_evaluator[:-1],
    dict(type='mmdiffpose.UncertaintyMetric', required=False),
]
