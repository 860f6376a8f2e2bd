# Copyright (c) mmdiffpose contributors. All rights reserved.
# A MixSTE that a CPU trains.
encoder = dict(
    type='mmdiffpose.MixSTE',
    embed_dims=64,
    depth=2,
    num_heads=4,
    drop_path_rate=0.05,
    standardize=True)
