# Copyright (c) mmdiffpose contributors. All rights reserved.
from .csdi_gcn import CSDIGCN
from .csdi_transformer import CSDITransformer
from .gcn_attention import GCNAttention
from .gcn_diff import GCNDiff

__all__ = ['CSDIGCN', 'CSDITransformer', 'GCNAttention', 'GCNDiff']
