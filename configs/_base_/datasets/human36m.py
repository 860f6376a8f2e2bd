# Copyright (c) mmdiffpose contributors. All rights reserved.
# Human3.6M, 50 fps, 2D poses of a fine-tuned CPN. The files are those of
# MMPose's converters or of tools/dataset_converters/h36m.py.
_base_ = ['lifting.py']
seq_len = 243
data_root = 'data/h36m/'
keypoint_2d_src = 'detection'

# S8 is held out of training: for choosing a checkpoint and for measuring how
# far off the context encoder is on a person that it has not seen. Published
# figures train on all five subjects; S9 and S11 are for final numbers only.
train_subjects = ['S1', 'S5', 'S6', 'S7']
val_subjects = ['S8']
test_subjects = ['S9', 'S11']

_files = dict(
    type='mmdiffpose.Human36MLiftingDataset',
    data_root=data_root,
    camera_param_file='annotation_body3d/cameras.pkl',
    keypoint_2d_src=keypoint_2d_src,
    seq_len=seq_len)
_train_files = dict(
    **_files,
    ann_file='annotation_body3d/fps50/h36m_train.npz',
    keypoint_2d_det_file='joint_2d_det_files/cpn_ft_h36m_dbb_train.npy')
_test_files = dict(
    **_files,
    ann_file='annotation_body3d/fps50/h36m_test.npz',
    keypoint_2d_det_file='joint_2d_det_files/cpn_ft_h36m_dbb_test.npy')

train_dataloader = dict(
    batch_size=4,
    dataset=dict(**_train_files, subjects=train_subjects, stride=seq_len))
val_dataloader = dict(
    batch_size=4, dataset=dict(**_train_files, subjects=val_subjects))
test_dataloader = dict(
    batch_size=4, dataset=dict(**_test_files, subjects=test_subjects))
