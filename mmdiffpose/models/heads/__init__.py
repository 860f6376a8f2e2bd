# Copyright (c) mmdiffpose contributors. All rights reserved.
from .cpn_head import CPNHead
from .denoiser_regression_head import DenoiserRegressionHead
from .diffhpe_head import DiffHPEHead
from .diffpose_head import DiffPoseHead
from .graph_regression_head import GraphRegressionHead
from .lifting_regression_head import LiftingRegressionHead
from .many_to_one_regression_head import ManyToOneRegressionHead
from .pose_feature_head import PoseFeatureHead
from .released_diffpose_head import ReleasedDiffPoseHead
from .single_pass_head import SinglePassHead

__all__ = [
    'CPNHead', 'DenoiserRegressionHead', 'DiffHPEHead', 'DiffPoseHead',
    'GraphRegressionHead', 'LiftingRegressionHead', 'ManyToOneRegressionHead',
    'PoseFeatureHead', 'ReleasedDiffPoseHead', 'SinglePassHead'
]
