# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Annotation files in the format of MMPose's converters."""
