# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Lifting data sets, virtual cameras and simulated detections."""

import warnings
from typing import Any

from .annotation_dataset import AnnotationLiftingDataset
from .human36m import Human36MLiftingDataset
from .mocap_mini import MocapMiniDataset
from .mocap_views import (FixedViewDataset, MocapViewDataset, ViewSampler,
                          view_collate)
from .mpi_inf_3dhp import MPIINF3DHPLiftingDataset
from .open_mocap import OpenMocapDataset
from .recording_dataset import RecordingDataset
from .windows.compact_collate import compact_collate
from .windows.lifting_dataset import LiftingDataset, PoseSequence

__all__ = [
    'AnnotationLiftingDataset', 'FixedViewDataset', 'Human36MLiftingDataset',
    'LiftingDataset', 'MPIINF3DHPLiftingDataset', 'MocapMiniDataset',
    'MocapViewDataset', 'OpenMocapDataset', 'PoseSequence', 'RecordingDataset',
    'ViewSampler', 'compact_collate', 'view_collate'
]


def __getattr__(name: str) -> Any:
    """``Sequence``, as :class:`PoseSequence` was called in 0.1."""
    if name != 'Sequence':
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    warnings.warn(
        'mmdiffpose.datasets.Sequence is now mmdiffpose.datasets.PoseSequence',
        DeprecationWarning,
        stacklevel=2)
    return PoseSequence
