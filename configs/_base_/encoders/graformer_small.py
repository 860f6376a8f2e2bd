# Copyright (c) mmdiffpose contributors. All rights reserved.
# A GraFormer that a CPU trains.
encoder = dict(
    type='mmdiffpose.GraFormer',
    embed_dims=64,
    num_layers=3,
    dropout=0.,
    graph_dropout=0.,
    attn_drop=0.,
    standardize=True)
