# Copyright (c) mmdiffpose contributors. All rights reserved.
"""MoveNet as ``FILE.py:NAME``; it lives in the package now."""

from mmdiffpose.detection.pose2d_movenet import MoveNet

__all__ = ['MoveNet']
