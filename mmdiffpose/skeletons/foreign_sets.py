# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Joint sets that MMPose lacks, in the order in which tools write them.

Orders are those of OpenPose's ``poseParameters.cpp``, of the Leeds Sports
Pose data set's readme and of MediaPipe's ``PoseLandmark``.
"""

from .detector_sets import COCO_17, FACE, limb_tree
from .skeleton import named_skeleton

_ARMS_LEGS = ('right_shoulder', 'right_elbow', 'right_wrist', 'left_shoulder',
              'left_elbow', 'left_wrist', 'right_hip', 'right_knee',
              'right_ankle', 'left_hip', 'left_knee', 'left_ankle')
_FACE_4 = ('right_eye', 'left_eye', 'right_ear', 'left_ear')
_FEET_6 = ('left_big_toe', 'left_small_toe', 'left_heel', 'right_big_toe',
           'right_small_toe', 'right_heel')

BODY_25 = named_skeleton(
    'body25', ('nose', 'neck') + _ARMS_LEGS[:6] + ('mid_hip', ) +
    _ARMS_LEGS[6:] + _FACE_4 + _FEET_6,
    dict(limb_tree('mid_hip', 'neck'), **FACE, nose='neck', neck='mid_hip'))
"""OpenPose's BODY_25; its neck is the middle of the shoulders."""

BODY_25B = named_skeleton(
    'body25b', COCO_17.joints + ('upper_neck', 'head_top') + _FEET_6,
    dict(
        limb_tree('upper_neck', 'upper_neck'),
        **FACE,
        nose='upper_neck',
        head_top='nose'))
"""OpenPose's BODY_25B: COCO's joints, MPII's upper neck and top of the head,
feet. As many joints as BODY_25, in another order."""

COCO_18 = named_skeleton('coco18', ('nose', 'neck') + _ARMS_LEGS + _FACE_4,
                         dict(limb_tree('neck', 'neck'), **FACE, nose='neck'))
"""OpenPose's COCO model, and AlphaPose's ``--format open`` and ``cmu``."""

OPENPOSE_MPI_15 = named_skeleton(
    'openpose_mpi', ('head_top', 'neck') + _ARMS_LEGS + ('chest', ),
    dict(limb_tree('chest', 'neck'), head_top='neck', neck='chest'))
"""OpenPose's MPI model; its chest lies half-way between neck and hips."""

LSP_14 = named_skeleton(
    'lsp', ('right_ankle', 'right_knee', 'right_hip', 'left_hip', 'left_knee',
            'left_ankle', 'right_wrist', 'right_elbow', 'right_shoulder',
            'left_shoulder', 'left_elbow', 'left_wrist', 'neck', 'head_top'),
    dict(limb_tree('neck', 'neck'), head_top='neck'))
"""Leeds Sports Pose: MPII's joints without pelvis and thorax."""

MEDIAPIPE_33 = named_skeleton(
    'mediapipe',
    ('nose', 'left_eye_inner', 'left_eye', 'left_eye_outer', 'right_eye_inner',
     'right_eye', 'right_eye_outer', 'left_ear', 'right_ear', 'left_mouth',
     'right_mouth', 'left_shoulder', 'right_shoulder', 'left_elbow',
     'right_elbow', 'left_wrist', 'right_wrist', 'left_pinky', 'right_pinky',
     'left_index', 'right_index', 'left_thumb', 'right_thumb', 'left_hip',
     'right_hip', 'left_knee', 'right_knee', 'left_ankle', 'right_ankle',
     'left_heel', 'right_heel', 'left_foot_index', 'right_foot_index'),
    dict(
        limb_tree('nose', 'nose'),
        **{
            f'{side}_{joint}': f'{side}_{parent}'
            for side in ('left', 'right')
            for joint, parent in dict(
                hip='shoulder',
                eye_inner='eye',
                eye_outer='eye',
                ear='eye_outer',
                pinky='wrist',
                index='wrist',
                thumb='wrist',
                heel='ankle',
                foot_index='ankle').items()
        },
        left_eye='nose',
        right_eye='nose',
        left_mouth='nose',
        right_mouth='nose'))
"""MediaPipe's (BlazePose's) pose landmarks."""
