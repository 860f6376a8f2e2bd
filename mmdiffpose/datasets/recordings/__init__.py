# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Own recordings: one file, read from what laboratories and tools write."""
