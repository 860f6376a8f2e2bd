# Copyright (c) mmdiffpose contributors. All rights reserved.
from .graformer import GraFormer
from .mixste import MixSTE
from .p_stmo import PSTMO

__all__ = ['GraFormer', 'MixSTE', 'PSTMO']
