# Copyright (c) mmdiffpose contributors. All rights reserved.
from .frame_transformer import FrameTransformer
from .graformer import GraFormer
from .identity_context import IdentityContext
from .mixste import MixSTE
from .p_stmo import PSTMO

__all__ = [
    'FrameTransformer', 'GraFormer', 'IdentityContext', 'MixSTE', 'PSTMO'
]
