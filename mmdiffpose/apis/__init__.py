# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Use of trained lifters."""

from .checkpoint import load_weights, read_checkpoint
from .keypoint_files import read_keypoint_file
from .keypoint_track import KeypointTrack
from .lift import LiftedTrack, lift_track, lift_tracks, window_length
from .model import init_model
from .result_files import write_json, write_npz
from .streaming import StreamingLifter

__all__ = [
    'KeypointTrack', 'LiftedTrack', 'StreamingLifter', 'init_model',
    'lift_track', 'lift_tracks', 'load_weights', 'read_checkpoint',
    'read_keypoint_file', 'window_length', 'write_json', 'write_npz'
]
