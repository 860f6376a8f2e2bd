# Copyright (c) mmdiffpose contributors. All rights reserved.
from .cpn_head import CPNHead
from .diffpose_head import DiffPoseHead
from .lifting_regression_head import LiftingRegressionHead
from .single_pass_head import SinglePassHead

__all__ = [
    'CPNHead', 'DiffPoseHead', 'LiftingRegressionHead', 'SinglePassHead'
]
