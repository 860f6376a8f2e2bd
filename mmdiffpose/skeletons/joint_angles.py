# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Angles between bones."""

from typing import Dict, List, Tuple

import numpy as np

from .skeleton import Skeleton


def _of_both_sides() -> Dict[str, Tuple[str, str, str, str]]:
    angles = {}
    for side in ('right', 'left'):
        hip, knee, foot, shoulder, elbow, wrist = (f'{side}_{joint}'
                                                   for joint in ('hip', 'knee',
                                                                 'foot',
                                                                 'shoulder',
                                                                 'elbow',
                                                                 'wrist'))
        angles[hip] = ('thorax', 'root', hip, knee)
        angles[knee] = (hip, knee, knee, foot)
        angles[shoulder] = ('thorax', 'root', shoulder, elbow)
        angles[elbow] = (shoulder, elbow, elbow, wrist)
    return angles


JOINT_ANGLES: Dict[str, Tuple[str, str, str, str]] = dict(
    _of_both_sides(),
    spine=('root', 'spine', 'spine', 'thorax'),
    neck=('spine', 'thorax', 'thorax', 'neck_base'))
"""Name of an angle to four of Human3.6M's joints: it lies between the
direction from the first to the second and that from the third to the fourth.
A straight knee, elbow or spine, a thigh in line with the trunk and an arm that
hangs down have 0 degrees; a bone that lies back on the one before has 180."""


def angle_joints(skeleton: Skeleton) -> Dict[str, List[int]]:
    """Angles that a skeleton has joints for.

    Args:
        skeleton (Skeleton): Any.

    Returns:
        dict[str, list[int]]: Some names of :data:`JOINT_ANGLES` to the indices
        of their four joints.
    """
    return {
        name: [skeleton.index[joint] for joint in joints]
        for name, joints in JOINT_ANGLES.items()
        if all(joint in skeleton.index for joint in joints)
    }


def joint_angles(points: np.ndarray,
                 skeleton: Skeleton) -> Tuple[List[str], np.ndarray]:
    """Angles of poses.

    They say how far a joint is bent, not which way, and depend neither on
    axes nor on the length of bones.

    Args:
        points (np.ndarray): (..., J, 3), of any unit and in any axes.
        skeleton (Skeleton): J joints.

    Returns:
        tuple[list[str], np.ndarray]: Names of A angles, those of
        :data:`JOINT_ANGLES` that the skeleton has joints for, and (..., A)
        degrees from 0 to 180; NaN where a bone has no direction.

    Raises:
        ValueError: If the skeleton has joints for none.
    """
    joints = angle_joints(skeleton)
    names = list(joints)
    if not names:
        raise ValueError(
            f'skeleton {skeleton.name}: expected joints of an angle such as '
            f'{JOINT_ANGLES["left_knee"]}, found {list(skeleton.joints)}')
    values = []
    for name in names:
        a, b, c, d = (
            points[..., joint, :].astype(float) for joint in joints[name])
        before, after = b - a, d - c
        # Exact also near 0 and 180 degrees, where a cosine is flat.
        cross = np.linalg.norm(np.cross(before, after), axis=-1)
        dot = (before * after).sum(-1)
        angle = np.degrees(np.arctan2(cross, dot))
        values.append(np.where((cross == 0) & (dot == 0), np.nan, angle))
    return names, np.stack(values, -1)
