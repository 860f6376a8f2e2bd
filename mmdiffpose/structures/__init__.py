# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Tracks of 2D and 3D poses, people and axes; plain NumPy."""
