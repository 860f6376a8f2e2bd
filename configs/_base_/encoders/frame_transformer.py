# Copyright (c) mmdiffpose contributors. All rights reserved.
# A transformer over frames that a CPU trains; told which joints are missing.
encoder = dict(
    type='mmdiffpose.FrameTransformer',
    in_channels=3,
    width=256,
    embed_dims=32,
    depth=4,
    num_heads=8)
