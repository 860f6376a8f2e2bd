# Copyright (c) mmdiffpose contributors. All rights reserved.
from .attention import SelfAttention, TransformerBlock
from .embedding import sinusoidal_embedding
from .gated_block import GatedBlock
from .graformer_layers import (GraphAttentionLayer, LearnedGraphMLP,
                               ResidualChebBlock, StdLayerNorm, start_small)
from .graph_conv import ChebConv, normalized_laplacian, random_walk_laplacian
from .graph_non_local import GraphNonLocal
from .pose_sequence_encoder import PoseSequenceEncoder
from .pose_transformer import PoseTransformerBlock
from .pre_aggregated_graph import PreAggregatedGraphLayer
from .standardize import standardize_window
from .step_embedding import StepEmbedding

__all__ = [
    'ChebConv', 'GatedBlock', 'GraphAttentionLayer', 'GraphNonLocal',
    'LearnedGraphMLP', 'PoseSequenceEncoder', 'PoseTransformerBlock',
    'PreAggregatedGraphLayer', 'ResidualChebBlock', 'SelfAttention',
    'StdLayerNorm', 'StepEmbedding', 'TransformerBlock',
    'normalized_laplacian', 'random_walk_laplacian', 'sinusoidal_embedding',
    'standardize_window', 'start_small'
]
