# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Pictures of 3D poses."""

from typing import TYPE_CHECKING

from mmdiffpose.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from .pose3d_lifter_visualizer import Pose3dLifterVisualizer
else:
    __getattr__, __dir__ = lazy_exports(__name__)

__all__ = ['Pose3dLifterVisualizer']
