# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Diffusion-based monocular 3D human pose lifting for MMPose 1.x.

Importing the package applies the guarded fixes of :mod:`mmdiffpose.compat`
and creates the registries; registered modules are imported on first use.
"""

from .compat import apply_compat
from .compat.moved_modules import provide_moved_modules

apply_compat()
provide_moved_modules()

from .registry import HAS_MMPOSE  # noqa: E402
from .version import __version__  # noqa: E402

__all__ = ['__version__', 'HAS_MMPOSE', 'apply_compat']
