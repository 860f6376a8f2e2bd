# Copyright (c) mmdiffpose contributors. All rights reserved.
# MixSTE, small, on 14 joints whose root is the neck, 27 frames. Number of
# joints, root, bones, left and right are the data set's: nothing here says
# them. A recording of two minutes: eight views of one person, who is not in
# the zoo's training data, and neither is the person of the test.
_base_ = ['../../configs/mixste_mini-27.py']
custom_imports = dict(
    imports=['mmdiffpose', 'fourteen_joints'], allow_failed_imports=False)

max_epochs = 3
train_dataloader = dict(
    num_workers=0,
    persistent_workers=False,
    dataset=dict(
        type='FourteenJoints',
        subjects=['S1'],
        max_sequences=8,
        stride=9,
        # Not mocap-mini's own pipeline: its simulated detector, which finds
        # Human3.6M's joints, would draw their noise anew.
        pipeline=[dict(type='mmdiffpose.LiftingFlip'), *_base_.test_pipeline]))
val_dataloader = dict(dataset=dict(type='FourteenJoints', subjects=['S1']))
test_dataloader = dict(dataset=dict(type='FourteenJoints', subjects=['S2']))

param_scheduler = [
    dict(_base_.warmup, end=40),
    dict(_base_.cosine, T_max=max_epochs),
]
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
