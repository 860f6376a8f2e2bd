# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Recordings of laboratories and other tools, for training.

What is read of each is in the docstring of its module; what comes out is a
:class:`~mmdiffpose.datasets.recordings.recording_file.Recording`.
"""
