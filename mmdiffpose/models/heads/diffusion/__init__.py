# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Heads that sample several hypotheses."""
