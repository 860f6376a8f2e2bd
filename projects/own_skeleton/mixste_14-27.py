# Copyright (c) mmdiffpose contributors. All rights reserved.
# MixSTE, small, on 14 joints whose root is the neck, 27 frames. Number of
# joints, root, bones, left and right are the data set's: nothing here says
# them. A recording of a few minutes: eight of mocap-mini's clips.
_base_ = ['../../configs/mixste_mini-27.py']
custom_imports = dict(
    imports=['mmdiffpose', 'fourteen_joints'], allow_failed_imports=False)

max_epochs = 2
train_dataloader = dict(
    num_workers=0,
    persistent_workers=False,
    dataset=dict(
        type='FourteenJoints',
        max_sequences=8,
        stride=9,
        # Not mocap-mini's own pipeline: its simulated detector, which finds
        # Human3.6M's joints, would draw their noise anew.
        pipeline=[dict(type='mmdiffpose.LiftingFlip'), *_base_.test_pipeline]))
val_dataloader = dict(dataset=dict(type='FourteenJoints'))
test_dataloader = dict(dataset=dict(type='FourteenJoints'))

param_scheduler = [
    dict(_base_.warmup, end=40),
    dict(_base_.cosine, T_max=max_epochs),
]
train_cfg = dict(max_epochs=max_epochs, val_interval=1)
