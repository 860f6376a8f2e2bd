# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The command ``mmdiffpose``: train, test, infer, convert, models."""
