# Copyright (c) mmdiffpose contributors. All rights reserved.
from .graformer import GraFormer
from .identity_context import IdentityContext
from .mixste import MixSTE
from .p_stmo import PSTMO

__all__ = ['GraFormer', 'IdentityContext', 'MixSTE', 'PSTMO']
