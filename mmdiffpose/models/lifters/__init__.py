# Copyright (c) mmdiffpose contributors. All rights reserved.
from ..lifting_data_preprocessor import LiftingDataPreprocessor
from .diffusion_pose_lifter import DiffusionPoseLifter

__all__ = ['DiffusionPoseLifter', 'LiftingDataPreprocessor']
