# Copyright (c) mmdiffpose contributors. All rights reserved.
from .diffusion_pose_lifter import DiffusionPoseLifter
from .lifting_data_preprocessor import LiftingDataPreprocessor

__all__ = ['DiffusionPoseLifter', 'LiftingDataPreprocessor']
