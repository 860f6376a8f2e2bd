# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Transforms of lifting samples, before the codec."""

from .lifting_flip import LiftingFlip, flip_sample
from .redraw_detector_noise import RedrawDetectorNoise

__all__ = ['LiftingFlip', 'RedrawDetectorNoise', 'flip_sample']
