# Copyright (c) mmdiffpose contributors. All rights reserved.
from .gmm_diffusion_pose import GMMDiffusionPose

__all__ = ['GMMDiffusionPose']
