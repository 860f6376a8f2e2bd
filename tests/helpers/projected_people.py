# Copyright (c) mmdiffpose contributors. All rights reserved.
"""People of mocap-mini seen by a pinhole camera, in any joint set.

The 3D truth and the 2D joints come from motion capture and a projection that
is written out here; no reader has a part in them.
"""

from functools import lru_cache

import numpy as np

from mmdiffpose.datasets.mocap_mini_file import DEFAULT_PATH, load_mocap_mini
from mmdiffpose.skeletons import H36M_17, JOINT_ORDERS, SKELETONS

SIZE = (1920, 1080)
FOCAL = 1500.
AT = H36M_17.index


@lru_cache(maxsize=None)
def clip(name='PlaygroundJumps_1'):
    """World joints (F, 17, 3), metres, y up, 50 frames a second."""
    for one in load_mocap_mini(DEFAULT_PATH)[0]:
        if one.clip == name:
            return one.positions.astype(float)
    raise KeyError(name)


def seen(frames=60, start=0, turn=0., aside=0., away=5.5, name=None):
    """Camera joints (F, 17, 3) in metres, and pixels (F, 17, 2).

    The camera stands ``away`` metres before the first pelvis, 1.2 m high,
    and looks ahead; the person is turned by ``turn`` degrees and stands
    ``aside`` metres to the right.
    """
    world = clip(name or 'PlaygroundJumps_1')[start:start + frames].copy()
    world -= np.array([1, 0, 1]) * world[:, 0].mean(0)
    cos, sin = np.cos(np.deg2rad(turn)), np.sin(np.deg2rad(turn))
    world = world @ np.array([[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]])
    # Camera axes: x right, y down, z forward; it looks along world's -z.
    camera = np.stack(
        [world[..., 0] + aside, 1.2 - world[..., 1], away - world[..., 2]], -1)
    pixels = FOCAL * camera[..., :2] / camera[..., 2:] + np.array(SIZE) / 2
    return camera, pixels


def as_layout(pixels, name):
    """The same people with the joints (F, J, 2) of a joint set."""
    if name in JOINT_ORDERS:
        out = np.empty_like(pixels)
        out[:, list(JOINT_ORDERS[name])] = pixels
        return out
    points = {joint: pixels[:, i] for joint, i in AT.items()}
    return np.stack([_joint(points, j) for j in SKELETONS[name].joints], 1)


def _joint(points, joint):
    if joint in points:
        return points[joint]
    side, _, part = joint.partition('_')
    up = points['head'] - points['neck_base']
    right = points['right_shoulder'] - points['left_shoulder']
    outwards = {'left': -1, 'right': 1}.get(side, 0) * right
    chin = points['neck_base']
    if joint in ('mid_hip', 'hip', 'pelvis'):
        return points['root']
    if joint in ('neck', 'thorax'):
        return points['thorax']
    if joint in ('head_bottom', 'upper_neck'):
        return (points['thorax'] + chin) / 2
    if joint in ('head', 'head_top', 'top_head'):
        return points['head']
    if joint == 'chest':
        return (points['thorax'] + points['root']) / 2
    if joint == 'nose' or joint.startswith('face-'):
        return chin
    if part.startswith('eye'):
        return chin + .4 * up + .08 * outwards
    if part == 'ear':
        return chin + .3 * up + .18 * outwards
    if part == 'mouth':
        return chin - .1 * up + .05 * outwards
    if part in ('ankle', 'heel', 'big_toe', 'small_toe', 'foot_index'):
        return points[f'{side}_foot']
    return points[f'{side}_wrist']


def with_scores(joints, score=.9):
    """(..., J, 3): x, y, score."""
    scores = np.broadcast_to(score, joints.shape[:-1])
    return np.concatenate([joints, scores[..., None]], -1)


def recovered(track, pixels):
    """Whether a track, mapped to Human3.6M's joints, is these people.

    Only joints that every set has itself are compared: limbs and root.
    """
    mapped = track.to_skeleton(H36M_17)
    joints = [
        i for joint, i in AT.items()
        if joint.startswith(('left_', 'right_')) or joint == 'root'
    ]
    return np.abs(mapped.keypoints[:, joints] - pixels[:, joints]).max() < .6
