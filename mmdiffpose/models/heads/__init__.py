# Copyright (c) mmdiffpose contributors. All rights reserved.
from .detection.cpn_head import CPNHead
from .diffusion.diffhpe_head import DiffHPEHead
from .diffusion.diffpose_head import DiffPoseHead
from .diffusion.released_diffpose_head import ReleasedDiffPoseHead
from .diffusion.residual_diffusion_head import ResidualDiffusionHead
from .regression.denoiser_regression_head import DenoiserRegressionHead
from .regression.encoder_heads import (GraphRegressionHead,
                                       LiftingRegressionHead,
                                       ManyToOneRegressionHead,
                                       PoseFeatureHead)
from .regression.refining_head import RefiningHead
from .regression.single_pass_head import SinglePassHead

__all__ = [
    'CPNHead', 'DenoiserRegressionHead', 'DiffHPEHead', 'DiffPoseHead',
    'GraphRegressionHead', 'LiftingRegressionHead', 'ManyToOneRegressionHead',
    'PoseFeatureHead', 'RefiningHead', 'ReleasedDiffPoseHead',
    'ResidualDiffusionHead', 'SinglePassHead'
]
