# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Read 2D keypoint files of MMPose and of other tools.

=========== ================================================= =============
format      what it is                                        joints
=========== ================================================= =============
mmpose      MMPose's prediction JSON, also of rtmlib's arrays  names, or look
coco        COCO annotations or results, JSON                  names, or look
openpose    a JSON file per frame, of OpenPose or Pose2Sim     look
alphapose   AlphaPose's JSON in its three forms, its folder    look
mediapipe   MediaPipe's landmarks in JSON                      33 landmarks
ultralytics ``to_json()``, a folder of labels                  look
sports2d    TRC files in pixels                                names
npz         arrays, npz or npy; VideoPose3D's custom npz       names, or look
=========== ================================================= =============

Which one it is shows in the content, unless it is named. "Look": of the
joint sets with so many joints the one as which people look like people. The
module of a format describes what is read of it.
"""

from .keypoint_clip import KeypointClip
from .reading import (FORMATS, is_keypoint_input, read_keypoint_file,
                      read_keypoint_tracks)

__all__ = [
    'FORMATS', 'KeypointClip', 'is_keypoint_input', 'read_keypoint_file',
    'read_keypoint_tracks'
]
