# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Heads of 2D detectors."""
