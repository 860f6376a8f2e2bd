# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Use of trained lifters."""

from .checkpoint import load_weights, read_checkpoint
from .keypoint_files import read_keypoint_file
from .keypoint_track import KeypointTrack
from .lift import LiftedTrack, lift_track, window_length
from .model import init_model
from .result_files import write_json, write_npz

__all__ = [
    'KeypointTrack', 'LiftedTrack', 'init_model', 'lift_track', 'load_weights',
    'read_checkpoint', 'read_keypoint_file', 'window_length', 'write_json',
    'write_npz'
]
