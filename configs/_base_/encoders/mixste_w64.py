# Copyright (c) mmdiffpose contributors. All rights reserved.
# MixSTE with 64 channels, DiffHPE's conditioner.
encoder = dict(
    type='mmdiffpose.MixSTE',
    embed_dims=64,
    depth=8,
    num_heads=8,
    drop_path_rate=0.1)
