# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Pictures of 3D poses."""

from .pose3d_lifter_visualizer import Pose3dLifterVisualizer

__all__ = ['Pose3dLifterVisualizer']
