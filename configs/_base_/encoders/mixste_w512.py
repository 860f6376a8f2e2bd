# Copyright (c) mmdiffpose contributors. All rights reserved.
# MixSTE at its published size; the window's length is the data set's.
encoder = dict(
    type='mmdiffpose.MixSTE',
    embed_dims=512,
    depth=8,
    num_heads=8,
    drop_path_rate=0.1)
