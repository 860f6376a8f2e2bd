# Copyright (c) mmdiffpose contributors. All rights reserved.
# P-STMO at its published size.
encoder = dict(
    type='mmdiffpose.PSTMO',
    embed_dims=256,
    hidden_dims=512,
    joint_dims=128,
    num_layers=4)
