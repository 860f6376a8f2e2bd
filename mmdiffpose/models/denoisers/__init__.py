# Copyright (c) mmdiffpose contributors. All rights reserved.
from .gcn_attention import GCNAttention

__all__ = ['GCNAttention']
