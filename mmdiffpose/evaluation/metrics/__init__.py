# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Metrics registered in :data:`mmdiffpose.registry.METRICS`."""

from .aggregation import AggregationMetric
from .base import PoseMetric
from .coherence import CoherenceMetric
from .multi_hypothesis import MultiHypothesisMetric
from .pose_lifting import PoseLiftingMetric
from .uncertainty import UncertaintyMetric

__all__ = [
    'AggregationMetric', 'CoherenceMetric', 'MultiHypothesisMetric',
    'PoseLiftingMetric', 'PoseMetric', 'UncertaintyMetric'
]
