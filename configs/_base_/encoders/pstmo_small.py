# Copyright (c) mmdiffpose contributors. All rights reserved.
# A P-STMO that a CPU trains.
encoder = dict(
    type='mmdiffpose.PSTMO',
    embed_dims=64,
    hidden_dims=128,
    joint_dims=64,
    num_layers=3,
    num_heads=4,
    standardize=True)
