# Copyright (c) mmdiffpose contributors. All rights reserved.
"""From a name or a file to a model with its weights."""
