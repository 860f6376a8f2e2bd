# Copyright (c) mmdiffpose contributors. All rights reserved.
from .diffpose_head import DiffPoseHead
from .lifting_regression_head import LiftingRegressionHead
from .single_pass_head import SinglePassHead

__all__ = ['DiffPoseHead', 'LiftingRegressionHead', 'SinglePassHead']
