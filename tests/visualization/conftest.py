# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Import mmdiffpose before MMPose, which it lets import."""

import mmdiffpose  # noqa: F401
