# Copyright (c) mmdiffpose contributors. All rights reserved.
from .attention import SelfAttention, TransformerBlock
from .embedding import StepEmbedding, sinusoidal_embedding, zero_based
from .fast_linear import FullPrecisionLinear, Linear, linear
from .gated_block import GatedBlock
from .graformer_layers import (GraphAttentionLayer, LearnedGraphMLP,
                               ResidualChebBlock, StdLayerNorm, start_small)
from .graph_conv import ChebConv, normalized_laplacian, random_walk_laplacian
from .graph_non_local import GraphNonLocal, pooled_pairs
from .host_value import Derived, HostValue
from .mirror import flip_mixtures, flip_poses
from .pose_sequence_encoder import PoseSequenceEncoder
from .pose_transformer import PoseTransformerBlock
from .pre_aggregated_graph import PreAggregatedGraphLayer
from .standardize import standardize_window

__all__ = [
    'ChebConv', 'Derived', 'FullPrecisionLinear', 'GatedBlock',
    'GraphAttentionLayer', 'GraphNonLocal', 'HostValue', 'LearnedGraphMLP',
    'Linear', 'PoseSequenceEncoder', 'PoseTransformerBlock',
    'PreAggregatedGraphLayer', 'ResidualChebBlock', 'SelfAttention',
    'StdLayerNorm', 'StepEmbedding', 'TransformerBlock', 'flip_mixtures',
    'flip_poses', 'linear', 'normalized_laplacian', 'pooled_pairs',
    'random_walk_laplacian', 'sinusoidal_embedding', 'standardize_window',
    'start_small', 'zero_based'
]
