# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Use of trained lifters."""

from .checkpoint import load_weights, read_checkpoint
from .inference_options import InferenceOptions
from .inferencer import DiffusionPose3DInferencer
from .keypoint_files import read_keypoint_file, read_keypoint_tracks
from .keypoint_track import KeypointTrack
from .lift import LiftedTrack, lift_track, lift_tracks, window_length
from .model import init_model
from .result_files import write_json, write_npz
from .streaming import StreamingLifter

__all__ = [
    'DiffusionPose3DInferencer', 'InferenceOptions', 'KeypointTrack', 'LiftedTrack', 'StreamingLifter', 'init_model',
    'lift_track', 'lift_tracks', 'load_weights', 'read_checkpoint',
    'read_keypoint_file', 'read_keypoint_tracks', 'window_length',
    'write_json', 'write_npz'
]
