# Copyright (c) mmdiffpose contributors. All rights reserved.
# Stage I of P-STMO on Human3.6M, 243 frames: masked pose modelling, 2D only.
# pstmo_h36m-243.py runs it by itself.
_base_ = ['_base_/datasets/human36m.py', '_base_/pretraining_runtime.py']

max_epochs = 80
model = dict(
    type='mmdiffpose.MaskedPoseModel',
    seq_len=_base_.seq_len,
    embed_dims=256,
    hidden_dims=512,
    num_layers=4,
    masked_frames=0.6,
    masked_joints=3)

# The published windows start at every frame (and take every second one).
train_dataloader = dict(batch_size=160, dataset=dict(stride=9))
# It is not selected on anything.
val_dataloader = None
val_evaluator = None
test_dataloader = None
test_evaluator = None

optim_wrapper = dict(optimizer=dict(type='Adam', lr=1e-4, amsgrad=True))
param_scheduler = [dict(type='ExponentialLR', gamma=0.97, by_epoch=True)]
auto_scale_lr = dict(base_batch_size=160)
train_cfg = dict(by_epoch=True, max_epochs=max_epochs)
