# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Networks, heads and lifters. Only heads and lifters need MMPose."""

from mmdiffpose.registry import HAS_MMPOSE
from .denoisers import *  # noqa: F401, F403
from .encoders import *  # noqa: F401, F403
from .losses import *  # noqa: F401, F403
from .posterior import *  # noqa: F401, F403
from .pretraining import *  # noqa: F401, F403

if HAS_MMPOSE:
    from .heads import *  # noqa: F401, F403
    from .lifters import *  # noqa: F401, F403
