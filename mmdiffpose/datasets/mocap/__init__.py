# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Readers of motion capture files, and what turns motion into data sets."""
