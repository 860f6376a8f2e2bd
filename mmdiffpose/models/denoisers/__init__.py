# Copyright (c) mmdiffpose contributors. All rights reserved.
from .csdi_gcn import CSDIGCN
from .csdi_transformer import CSDITransformer
from .gcn_attention import GCNAttention
from .gcn_diff import GCNDiff
from .mixste_denoiser import MixSTEDenoiser
from .residual_mlp import ResidualMLP

__all__ = [
    'CSDIGCN', 'CSDITransformer', 'GCNAttention', 'GCNDiff', 'MixSTEDenoiser',
    'ResidualMLP'
]
