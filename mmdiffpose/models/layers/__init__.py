# Copyright (c) mmdiffpose contributors. All rights reserved.
from .attention import SelfAttention, TransformerBlock
from .embedding import sinusoidal_embedding
from .graformer_layers import (GraphAttentionLayer, LearnedGraphMLP,
                               ResidualChebBlock, StdLayerNorm, start_small)
from .graph_conv import ChebConv, normalized_laplacian, random_walk_laplacian
from .pose_sequence_encoder import PoseSequenceEncoder
from .pose_transformer import PoseTransformerBlock
from .standardize import standardize_window

__all__ = [
    'ChebConv', 'GraphAttentionLayer', 'LearnedGraphMLP',
    'PoseSequenceEncoder', 'PoseTransformerBlock', 'ResidualChebBlock',
    'SelfAttention', 'StdLayerNorm', 'TransformerBlock',
    'normalized_laplacian', 'random_walk_laplacian', 'sinusoidal_embedding',
    'standardize_window', 'start_small'
]
