# Copyright (c) mmdiffpose contributors. All rights reserved.
"""People whose bones keep their length, from real motion, for file formats."""

import numpy as np

from mmdiffpose.datasets.mocap_mini_file import load_mocap_mini
from mmdiffpose.skeletons import H36M_17
from mmdiffpose.structures.lifted_track import LiftedTrack


def stiff_points(frames=40, clip=5, start=0):
    """(F, 17, 3) metres, y up, of somebody who jumps, bones made stiff."""
    points = load_mocap_mini()[0][clip].positions[start:start + frames]
    points = points.astype(float)
    stiff = points.copy()
    for child, parent in enumerate(H36M_17.parents):
        # Parents come before their children in this joint set.
        if parent >= 0:
            bone = points[:, child] - points[:, parent]
            length = np.linalg.norm(bone, axis=-1)
            stiff[:, child] = stiff[:, parent] + bone * (np.median(length) /
                                                         length)[:, None]
    return stiff


def as_lifted(points, fps=50., **fields):
    """A lifted track of points in y-up axes, with a root trajectory."""
    camera = (points * [1, -1, -1]).astype(np.float32)
    F, J = points.shape[:2]
    return LiftedTrack(
        **{
            **dict(
                keypoints_3d=camera - camera[:, :1],
                root_trajectory=camera[:, 0],
                scores=np.full((F, J), 0.9, np.float32),
                std=np.full((F, J), 0.02, np.float32),
                hypotheses=None,
                keypoints_2d=np.zeros((F, J, 2), np.float32),
                scores_2d=np.ones((F, J), np.float32),
                frame_ids=np.arange(F),
                image_size=(1000, 800),
                fps=fps,
                track_id=1),
            **fields
        })


def on_the_floor(points):
    """Points moved so that the lowest is at y = 0."""
    return points - [0, points[..., 1].min(), 0]
