# Copyright (c) mmdiffpose contributors. All rights reserved.
# DiffPose's optimiser and schedule, those of the released code; the paper is
# silent. The context encoder comes first.
max_epochs = 80
optim_wrapper = dict(
    optimizer=dict(type='Adam', lr=1e-3), clip_grad=dict(max_norm=1.))
param_scheduler = [dict(type='StepLR', step_size=60, gamma=0.9, by_epoch=True)]
train_cfg = dict(
    type='mmdiffpose.TwoStageTrainLoop', max_epochs=max_epochs, val_interval=1)
