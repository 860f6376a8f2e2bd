# Copyright (c) mmdiffpose contributors. All rights reserved.
# mixste_h36m-243.py on exact 2D poses.
_base_ = ['mixste_h36m-243.py']

train_dataloader = dict(dataset=dict(keypoint_2d_src='gt'))
val_dataloader = dict(dataset=dict(keypoint_2d_src='gt'))
test_dataloader = dict(dataset=dict(keypoint_2d_src='gt'))
