# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Joint sets of 2D detectors, in the order in which they are written.

Names and orders are those of MMPose's data set descriptions. Those that it
lacks are in :mod:`~mmdiffpose.skeletons.foreign_sets`.
"""

from typing import Dict

from .skeleton import Skeleton, named_skeleton

LIMBS: Dict[str, str] = {
    f'{side}_{joint}': f'{side}_{parent}'
    for side in ('left', 'right')
    for joint, parent in dict(
        wrist='elbow',
        elbow='shoulder',
        ankle='knee',
        knee='hip',
        big_toe='ankle',
        small_toe='big_toe',
        heel='ankle').items()
}
FACE = dict(
    left_eye='nose',
    right_eye='nose',
    left_ear='left_eye',
    right_ear='right_eye')

COCO_17 = Skeleton(
    name='coco',
    joints=('nose', 'left_eye', 'right_eye', 'left_ear', 'right_ear',
            'left_shoulder', 'right_shoulder', 'left_elbow', 'right_elbow',
            'left_wrist', 'right_wrist', 'left_hip', 'right_hip', 'left_knee',
            'right_knee', 'left_ankle', 'right_ankle'),
    parents=(-1, 0, 0, 1, 2, 0, 0, 5, 6, 7, 8, 5, 6, 11, 12, 13, 14),
    flip_pairs=((1, 2), (3, 4), (5, 6), (7, 8), (9, 10), (11, 12), (13, 14),
                (15, 16)))


def limb_tree(centre: str, neck: str) -> Dict[str, str]:
    """Limbs that hang on a neck joint and on one between the hips."""
    parents = {
        f'{side}_{joint}': parent
        for side in ('left', 'right')
        for joint, parent in dict(shoulder=neck, hip=centre).items()
    }
    return {**LIMBS, **parents}


HALPE_26 = named_skeleton(
    'halpe26', COCO_17.joints +
    ('head', 'neck', 'hip', 'left_big_toe', 'right_big_toe', 'left_small_toe',
     'right_small_toe', 'left_heel', 'right_heel'),
    dict(
        limb_tree('hip', 'neck'), **FACE, head='nose', nose='neck',
        neck='hip'))

MPII_16 = named_skeleton(
    'mpii', ('right_ankle', 'right_knee', 'right_hip', 'left_hip', 'left_knee',
             'left_ankle', 'pelvis', 'thorax', 'upper_neck', 'head_top',
             'right_wrist', 'right_elbow', 'right_shoulder', 'left_shoulder',
             'left_elbow', 'left_wrist'),
    dict(
        limb_tree('pelvis', 'thorax'),
        head_top='upper_neck',
        upper_neck='thorax',
        thorax='pelvis'))

AIC_14 = named_skeleton(
    'aic',
    ('right_shoulder', 'right_elbow', 'right_wrist', 'left_shoulder',
     'left_elbow', 'left_wrist', 'right_hip', 'right_knee', 'right_ankle',
     'left_hip', 'left_knee', 'left_ankle', 'head_top', 'neck'),
    dict(limb_tree('neck', 'neck'), head_top='neck'))
"""AI Challenger's; without a joint between the hips, they hang on the neck."""

CROWDPOSE_14 = named_skeleton(
    'crowdpose',
    ('left_shoulder', 'right_shoulder', 'left_elbow', 'right_elbow',
     'left_wrist', 'right_wrist', 'left_hip', 'right_hip', 'left_knee',
     'right_knee', 'left_ankle', 'right_ankle', 'top_head', 'neck'),
    dict(limb_tree('neck', 'neck'), top_head='neck'))

POSETRACK18_17 = named_skeleton(
    'posetrack18',
    ('nose', 'head_bottom', 'head_top', 'left_ear', 'right_ear',
     'left_shoulder', 'right_shoulder', 'left_elbow', 'right_elbow',
     'left_wrist', 'right_wrist', 'left_hip', 'right_hip', 'left_knee',
     'right_knee', 'left_ankle', 'right_ankle'),
    dict(
        limb_tree('head_bottom', 'head_bottom'),
        head_top='nose',
        nose='head_bottom',
        left_ear='nose',
        right_ear='nose'))
