# Copyright (c) mmdiffpose contributors. All rights reserved.
"""From 2D tracks to 3D tracks."""
