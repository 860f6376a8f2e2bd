# Copyright (c) mmdiffpose contributors. All rights reserved.
from .gcn_attention import GCNAttention
from .gcn_diff import GCNDiff

__all__ = ['GCNAttention', 'GCNDiff']
