# Copyright (c) mmdiffpose contributors. All rights reserved.
from .masked_pose_model import MaskedPoseModel
from .pose_masks import PoseMasks, draw_pose_masks

__all__ = ['MaskedPoseModel', 'PoseMasks', 'draw_pose_masks']
