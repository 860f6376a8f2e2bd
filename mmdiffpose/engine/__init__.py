# Copyright (c) mmdiffpose contributors. All rights reserved.
from .atomic_backend import AtomicLocalBackend
from .cpu_amp_optim_wrapper import CpuAmpOptimWrapper
from .finite_loss_hook import FiniteLossHook
from .kept_memory_hook import KeptMemoryHook
from .lifting_visualization_hook import LiftingVisualizationHook
from .pretrained_loop import PretrainedTrainLoop
from .progress_hook import ProgressBarHook
from .residual_calibration_hook import (ResidualCalibrationHook,
                                        ResidualStatistics)
from .resumed_schedule_hook import ResumedScheduleHook
from .safe_checkpoint_hook import SafeCheckpointHook
from .seeded_draws_hook import SeededDrawsHook
from .skeleton_hook import SkeletonHook
from .std_calibration_hook import SpreadStatistics, StdCalibrationHook
from .strict_loading_hook import StrictLoadingHook
from .tracked_ema_hook import TrackedEMAHook
from .two_stage_loop import TwoStageTrainLoop

__all__ = [
    'AtomicLocalBackend', 'CpuAmpOptimWrapper', 'FiniteLossHook',
    'KeptMemoryHook', 'LiftingVisualizationHook', 'PretrainedTrainLoop',
    'ProgressBarHook', 'ResidualCalibrationHook', 'ResidualStatistics',
    'ResumedScheduleHook', 'SafeCheckpointHook', 'SeededDrawsHook',
    'SkeletonHook', 'SpreadStatistics', 'StdCalibrationHook',
    'StrictLoadingHook', 'TrackedEMAHook', 'TwoStageTrainLoop'
]
