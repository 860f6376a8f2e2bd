# Copyright (c) mmdiffpose contributors. All rights reserved.
# GraFormer at the size of DiffPose's released encoder.
encoder = dict(
    type='mmdiffpose.GraFormer',
    embed_dims=96,
    num_layers=5,
    num_heads=4,
    dropout=0.25)
