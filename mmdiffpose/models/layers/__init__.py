# Copyright (c) mmdiffpose contributors. All rights reserved.
from .attention import SelfAttention, TransformerBlock
from .embedding import sinusoidal_embedding
from .graph_conv import ChebConv, normalized_laplacian

__all__ = [
    'ChebConv', 'SelfAttention', 'TransformerBlock', 'normalized_laplacian',
    'sinusoidal_embedding'
]
