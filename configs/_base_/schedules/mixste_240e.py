# Copyright (c) mmdiffpose contributors. All rights reserved.
# MixSTE's optimiser and schedule. Published are 120 epochs in which each clip
# comes twice, as it is and mirrored; here either comes once.
max_epochs = 240
optim_wrapper = dict(optimizer=dict(type='AdamW', lr=4e-5, weight_decay=0.1))
param_scheduler = [dict(type='ExponentialLR', gamma=0.99**0.5, by_epoch=True)]
train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=2)
