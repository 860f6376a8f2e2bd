# Copyright (c) mmdiffpose contributors. All rights reserved.
from .diffusion_pose_lifter import DiffusionPoseLifter

__all__ = ['DiffusionPoseLifter']
