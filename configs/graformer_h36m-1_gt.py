# Copyright (c) mmdiffpose contributors. All rights reserved.
# graformer_h36m-1.py on exact 2D poses.
_base_ = ['graformer_h36m-1.py']

train_dataloader = dict(dataset=dict(keypoint_2d_src='gt'))
val_dataloader = dict(dataset=dict(keypoint_2d_src='gt'))
test_dataloader = dict(dataset=dict(keypoint_2d_src='gt'))
