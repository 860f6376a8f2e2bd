# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Transforms of lifting samples, before the codec."""

from .canonical_view import TurnToPerson
from .keypoint_noise import KeypointNoise
from .lifting_flip import LiftingFlip, flip_sample
from .occlusion import Occlusion, mask_joints, occlusion_step
from .quick_packing import QuickPackPoseInputs
from .redraw_detector_noise import RedrawDetectorNoise
from .window_generator import window_generator

__all__ = [
    'KeypointNoise', 'LiftingFlip', 'Occlusion', 'QuickPackPoseInputs',
    'RedrawDetectorNoise', 'TurnToPerson', 'flip_sample', 'mask_joints',
    'occlusion_step', 'window_generator'
]
