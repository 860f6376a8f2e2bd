# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Use of trained lifters."""

from typing import TYPE_CHECKING

from mmdiffpose.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from mmdiffpose.checkpoints.checkpoint import load_weights, read_checkpoint
    from mmdiffpose.checkpoints.model import init_model
    from mmdiffpose.checkpoints.model_zoo import (ZooModel, find_model,
                                                  list_models,
                                                  verified_weights)
    from mmdiffpose.checkpoints.pretrained import (from_pretrained, pull, push,
                                                   save_pretrained)
    from mmdiffpose.files.keypoint_files import (read_keypoint_file,
                                                 read_keypoint_tracks)
    from mmdiffpose.files.pose3d_result import Pose3DResult
    from mmdiffpose.files.result_files import (write_json, write_npz,
                                               write_results)
    from mmdiffpose.files.result_reading import read_results
    from mmdiffpose.lifting.focal_length import (FocalLength,
                                                 resolve_focal_length)
    from mmdiffpose.lifting.known_height import measure_height, scale_to_height
    from mmdiffpose.lifting.lift import (LiftedTrack, lift_track, lift_tracks,
                                         window_length)
    from mmdiffpose.lifting.root_trajectory import (estimate_root_trajectory,
                                                    place_in_scene)
    from mmdiffpose.lifting.streaming import StreamingLifter
    from mmdiffpose.structures.keypoint_track import KeypointTrack
    from .inference_options import InferenceOptions
    from .inferencer import DiffusionPose3DInferencer
else:
    __getattr__, __dir__ = lazy_exports(__name__)

__all__ = [
    'DiffusionPose3DInferencer', 'FocalLength', 'InferenceOptions',
    'KeypointTrack', 'LiftedTrack', 'Pose3DResult', 'StreamingLifter',
    'ZooModel', 'estimate_root_trajectory', 'find_model', 'from_pretrained',
    'init_model', 'lift_track', 'lift_tracks', 'list_models', 'load_weights',
    'measure_height', 'place_in_scene', 'pull', 'push', 'read_checkpoint',
    'read_keypoint_file', 'read_keypoint_tracks', 'read_results',
    'resolve_focal_length', 'save_pretrained', 'scale_to_height',
    'verified_weights', 'window_length', 'write_json', 'write_npz',
    'write_results'
]
