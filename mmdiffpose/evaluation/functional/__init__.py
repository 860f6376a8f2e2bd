# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Metrics as plain NumPy functions, without torch or a framework."""

from .joint_order import JOINT_ORDERS, map_joints, pck_joints, root_joint
from .mpjpe import (centre_on_root, joint_errors, masked_mean, mpjpe, n_mpjpe,
                    p_mpjpe)
from .pck import (AUC_THRESHOLDS_MM, auc, correct_joints, correct_joints_auc,
                  pck)
from .procrustes import align_scale, align_similarity

__all__ = [
    'AUC_THRESHOLDS_MM', 'JOINT_ORDERS', 'align_scale', 'align_similarity',
    'auc', 'centre_on_root', 'correct_joints', 'correct_joints_auc',
    'joint_errors', 'map_joints', 'masked_mean', 'mpjpe', 'n_mpjpe', 'p_mpjpe',
    'pck', 'pck_joints', 'root_joint'
]
