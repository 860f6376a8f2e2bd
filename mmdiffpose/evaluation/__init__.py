# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Evaluation: :mod:`.functional` (NumPy) and :mod:`.metrics` (registered).

Nothing is imported here, so that the functions can be used without MMPose;
the registry imports the metrics on first use.
"""
