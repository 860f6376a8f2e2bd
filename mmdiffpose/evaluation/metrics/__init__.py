# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Metrics registered in :data:`mmdiffpose.registry.METRICS`."""

from .base import PoseMetric
from .pose_lifting import PoseLiftingMetric

__all__ = ['PoseLiftingMetric', 'PoseMetric']
