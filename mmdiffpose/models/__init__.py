# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Networks, heads and lifters. Only heads and lifters need MMPose.

A name is imported when it is asked for, so that a network can be used on its
own; the registry imports every room on first use.
"""

from typing import TYPE_CHECKING

from mmdiffpose.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from .denoisers import (CSDIGCN, CSDITransformer, GCNAttention, GCNDiff,
                            MixSTEDenoiser)
    from .encoders import PSTMO, GraFormer, IdentityContext, MixSTE
    from .heads import (CPNHead, DenoiserRegressionHead, DiffHPEHead,
                        DiffPoseHead, GraphRegressionHead,
                        LiftingRegressionHead, ManyToOneRegressionHead,
                        PoseFeatureHead, ReleasedDiffPoseHead, SinglePassHead)
    from .lifters import DiffusionPoseLifter, LiftingDataPreprocessor
    from .losses import MixSTELoss, MPJPELoss, SquaredErrorLoss
    from .pretraining import MaskedPoseModel, PoseMasks, draw_pose_masks
else:
    __getattr__, __dir__ = lazy_exports(__name__)

__all__ = [
    'CPNHead', 'CSDIGCN', 'CSDITransformer', 'DenoiserRegressionHead',
    'DiffHPEHead', 'DiffPoseHead', 'DiffusionPoseLifter', 'GCNAttention',
    'GCNDiff', 'GraFormer', 'GraphRegressionHead', 'IdentityContext',
    'LiftingDataPreprocessor', 'LiftingRegressionHead', 'MPJPELoss',
    'ManyToOneRegressionHead', 'MaskedPoseModel', 'MixSTE', 'MixSTEDenoiser',
    'MixSTELoss', 'PSTMO', 'PoseFeatureHead', 'PoseMasks',
    'ReleasedDiffPoseHead', 'SinglePassHead', 'SquaredErrorLoss',
    'draw_pose_masks'
]
