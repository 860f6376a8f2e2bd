# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Several people before a camera, with everything a lifter gives."""

import numpy as np

from mmdiffpose.skeletons import H36M_17
from mmdiffpose.structures.lifted_track import LiftedTrack

FOCAL = 1000.
SIZE = (1200, 800)
HEIGHTS = dict(
    head=1.65,
    neck_base=1.55,
    thorax=1.4,
    spine=1.15,
    root=0.9,
    hip=0.9,
    knee=0.45,
    foot=0.,
    shoulder=1.4,
    elbow=1.1,
    wrist=0.85)


def standing_pose():
    """A person facing the camera, root-relative, (17, 3) camera axes."""
    pose = np.zeros((17, 3))
    for joint, name in enumerate(H36M_17.joints):
        height = HEIGHTS.get(name, HEIGHTS.get(name.split('_')[-1]))
        # Facing the camera, their left is on the camera's right.
        side = name.startswith('left') * 1. - name.startswith('right')
        pose[joint, :2] = 0.2 * side, 0.9 - height
    return pose


def person(track_id, place, frames=12, rooted=True, **changes):
    """A person who stands at a place (x, z) on a floor 1 m below."""
    poses = np.repeat(standing_pose()[None], frames, 0)
    root = np.array([place[0], 0.1, place[1]])
    points = poses + root
    fields = dict(
        keypoints_3d=poses.astype(np.float32),
        scores=np.ones((frames, 17), np.float32),
        std=np.full((frames, 17), 0.04, np.float32),
        hypotheses=np.stack([poses - 0.03, poses, poses + 0.03],
                            1).astype(np.float32),
        keypoints_2d=(FOCAL * points[..., :2] / points[..., 2:] +
                      np.array(SIZE) / 2).astype(np.float32),
        scores_2d=np.ones((frames, 17), np.float32),
        frame_ids=np.arange(frames),
        image_size=SIZE,
        fps=25.,
        track_id=track_id,
        root_trajectory=np.tile(root, (frames, 1)) if rooted else None)
    return LiftedTrack(**{**fields, **changes})


def crowd(count, rooted=True, **changes):
    """People in a row, person 0 on the left."""
    return [
        person(
            number, (1.1 * (number - (count - 1) / 2), 6. + number % 3),
            rooted=rooted,
            **changes) for number in range(count)
    ]
