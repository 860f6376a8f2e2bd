# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Read 2D keypoint files of MMPose and of other tools.

========== ================================================ ==============
format     what it is                                       joint set
========== ================================================ ==============
mmpose     MMPose's prediction JSON                         file, or coco
coco       COCO annotations or results, JSON                names, or count
openpose   OpenPose's folder of a JSON file per frame       body25
alphapose  AlphaPose's ``alphapose-results.json``           by joint count
npz        arrays                                           file, or coco
========== ================================================ ==============

Which one it is shows in the content, unless it is named. The module of a
format describes what is read of it.
"""

from .keypoint_clip import KeypointClip
from .reading import FORMATS, read_keypoint_file, read_keypoint_tracks

__all__ = [
    'FORMATS', 'KeypointClip', 'read_keypoint_file', 'read_keypoint_tracks'
]
