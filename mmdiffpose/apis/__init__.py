# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Use of trained lifters."""

from .keypoint_files import read_keypoint_file
from .keypoint_track import KeypointTrack

__all__ = ['KeypointTrack', 'read_keypoint_file']
