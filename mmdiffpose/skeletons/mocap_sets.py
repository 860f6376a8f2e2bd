# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Joint sets of motion capture, which lifters predict."""

from typing import Dict, Tuple

from .skeleton import Skeleton

H36M_17 = Skeleton(
    name='h36m',
    joints=('root', 'right_hip', 'right_knee', 'right_foot', 'left_hip',
            'left_knee', 'left_foot', 'spine', 'thorax', 'neck_base', 'head',
            'left_shoulder', 'left_elbow', 'left_wrist', 'right_shoulder',
            'right_elbow', 'right_wrist'),
    parents=(-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15),
    flip_pairs=((4, 1), (5, 2), (6, 3), (11, 14), (12, 15), (13, 16)))

MPI_INF_3DHP_17 = Skeleton(
    name='mpi_inf_3dhp',
    joints=('head_top', 'neck', 'right_shoulder', 'right_elbow', 'right_wrist',
            'left_shoulder', 'left_elbow', 'left_wrist', 'right_hip',
            'right_knee', 'right_ankle', 'left_hip', 'left_knee', 'left_ankle',
            'pelvis', 'spine', 'head'),
    parents=(16, 15, 1, 2, 3, 1, 5, 6, 14, 8, 9, 14, 11, 12, -1, 14, 1),
    flip_pairs=((5, 2), (6, 3), (7, 4), (11, 8), (12, 9), (13, 10)))
"""The data set's own order of its 17 joints; the root is number 14."""

JOINT_ORDERS: Dict[str, Tuple[int, ...]] = {
    'h36m': tuple(range(17)),
    'mpi_inf_3dhp': (14, 8, 9, 10, 11, 12, 13, 15, 1, 16, 0, 5, 6, 7, 2, 3, 4),
}
"""For each 17-joint order of the field, the index of Human3.6M's joints 0 to
16 in it: ``pose[JOINT_ORDERS[name]]`` is in Human3.6M's order. MPI-INF-3DHP's
neck is the thorax there, its head the neck base, its head top the head."""
