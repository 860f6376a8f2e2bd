# Copyright (c) mmdiffpose contributors. All rights reserved.
from .graformer import GraFormer
from .mixste import MixSTE

__all__ = ['GraFormer', 'MixSTE']
