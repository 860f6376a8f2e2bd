# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Version of the package, read by the build and by ``mmdiffpose``."""

__version__ = '0.2.0'
