# Copyright (c) mmdiffpose contributors. All rights reserved.
from .csdi_gcn import CSDIGCN
from .csdi_transformer import CSDITransformer
from .denoiser import BaseDenoiser, Denoiser
from .gcn_attention import GCNAttention
from .gcn_diff import GCNDiff
from .mixste_denoiser import MixSTEDenoiser
from .residual_mlp import ResidualMLP

__all__ = [
    'BaseDenoiser', 'CSDIGCN', 'CSDITransformer', 'Denoiser', 'GCNAttention',
    'GCNDiff', 'MixSTEDenoiser', 'ResidualMLP'
]
