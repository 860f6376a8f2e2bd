# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Metrics as plain NumPy functions, without torch or a framework."""

from .coherence import (COHERENCE_MODES, cut_sequences, segment_lengths,
                        segment_std, segments, symmetric_segments,
                        symmetry_gap)
from .coverage import (CALIBRATION_LEVELS, CGNF_LEVELS, cgnf_calibration_error,
                       covered_share, expected_calibration_error, region_sizes,
                       samples_nearer)
from .joint_order import JOINT_ORDERS, map_joints, pck_joints, root_joint
from .mpjpe import (centre_on_root, joint_errors, masked_mean, mpjpe, n_mpjpe,
                    p_mpjpe)
from .multi_hypothesis import (hypothesis_spread, joint_best, mean_of_first,
                               mean_pairwise_distance, pose_best)
from .pck import (AUC_THRESHOLDS_MM, auc, correct_joints, correct_joints_auc,
                  pck)
from .procrustes import align_scale, align_similarity
from .scoring_rules import crps_ensemble, crps_gaussian, energy_score
from .sparsification import (SPARSIFICATION_FRACTIONS,
                             area_under_sparsification_error,
                             sparsification_curve)
from .std_scaling import StdScaling, fit_std_scaling
from .velocity import (acceleration_error, consecutive, difference_errors,
                       mpjve, smallest_step)

__all__ = [
    'AUC_THRESHOLDS_MM', 'CALIBRATION_LEVELS', 'CGNF_LEVELS',
    'COHERENCE_MODES', 'cgnf_calibration_error', 'samples_nearer',
    'JOINT_ORDERS', 'SPARSIFICATION_FRACTIONS', 'StdScaling',
    'acceleration_error', 'align_scale', 'align_similarity',
    'area_under_sparsification_error', 'auc', 'centre_on_root', 'consecutive',
    'correct_joints', 'correct_joints_auc', 'covered_share', 'crps_ensemble',
    'crps_gaussian', 'cut_sequences', 'difference_errors', 'energy_score',
    'expected_calibration_error', 'fit_std_scaling', 'hypothesis_spread',
    'joint_best', 'joint_errors', 'map_joints', 'masked_mean', 'mean_of_first',
    'mean_pairwise_distance', 'mpjpe', 'mpjve', 'n_mpjpe', 'p_mpjpe', 'pck',
    'pck_joints', 'pose_best', 'region_sizes', 'root_joint', 'segment_lengths',
    'segment_std', 'segments', 'smallest_step', 'sparsification_curve',
    'symmetric_segments', 'symmetry_gap'
]
