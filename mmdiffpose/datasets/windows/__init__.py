# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Sequences, and the windows that are cut out of them."""
