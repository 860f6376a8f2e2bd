# Copyright (c) mmdiffpose contributors. All rights reserved.
"""From frames to 2D tracks."""
