# Copyright (c) mmdiffpose contributors. All rights reserved.
# diffpose_mixste_h36m-243.py on exact 2D poses.
_base_ = ['diffpose_mixste_h36m-243.py']

train_dataloader = dict(dataset=dict(keypoint_2d_src='gt'))
val_dataloader = dict(dataset=dict(keypoint_2d_src='gt'))
test_dataloader = dict(dataset=dict(keypoint_2d_src='gt'))
# H_K keeps the width of a detection of score 1, as the paper gives exact 2D
# no other.
train_cfg = dict(context_config='{{ fileDirname }}/mixste_h36m-243_gt.py')
