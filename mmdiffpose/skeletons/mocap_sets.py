# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Joint sets of motion capture, which lifters predict."""

from dataclasses import replace
from typing import Dict, Optional, Tuple

import numpy as np

from .skeleton import Skeleton

H36M_17 = Skeleton(
    name='h36m',
    joints=('root', 'right_hip', 'right_knee', 'right_foot', 'left_hip',
            'left_knee', 'left_foot', 'spine', 'thorax', 'neck_base', 'head',
            'left_shoulder', 'left_elbow', 'left_wrist', 'right_shoulder',
            'right_elbow', 'right_wrist'),
    parents=(-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15),
    flip_pairs=((4, 1), (5, 2), (6, 3), (11, 14), (12, 15), (13, 16)))

JOINT_ORDERS: Dict[str, Tuple[int, ...]] = {
    'h36m': tuple(range(17)),
    'mpi_inf_3dhp': (14, 8, 9, 10, 11, 12, 13, 15, 1, 16, 0, 5, 6, 7, 2, 3, 4),
}
"""For each 17-joint order of the field, the index of Human3.6M's joints 0 to
16 in it: ``pose[JOINT_ORDERS[name]]`` is in Human3.6M's order. MPI-INF-3DHP's
neck is the thorax there, its head the neck base, its head top the head."""

_MPI_INF_3DHP_JOINTS = ('head_top', 'neck', 'right_shoulder', 'right_elbow',
                        'right_wrist', 'left_shoulder', 'left_elbow',
                        'left_wrist', 'right_hip', 'right_knee', 'right_ankle',
                        'left_hip', 'left_knee', 'left_ankle', 'pelvis',
                        'spine', 'head')

MPI_INF_3DHP_17 = replace(
    H36M_17.reordered(
        [JOINT_ORDERS['mpi_inf_3dhp'].index(joint) for joint in range(17)],
        _MPI_INF_3DHP_JOINTS),
    name='mpi_inf_3dhp')
"""The data set's own order of its 17 joints; the root is number 14. Bones and
mirror are those of Human3.6M's."""


def h36m_places(skeleton: Skeleton) -> Optional[Tuple[int, ...]]:
    """Where Human3.6M's joints 0 to 16 stand in a skeleton.

    Args:
        skeleton (Skeleton): Human3.6M's joints in any order, known by their
            names or MPI-INF-3DHP's for them; or under any names, known by
            bones that are named in Human3.6M's order.

    Returns:
        tuple[int] | None: None where it has other joints.
    """
    for names, order in ((H36M_17.joints, JOINT_ORDERS['h36m']),
                         (MPI_INF_3DHP_17.joints,
                          JOINT_ORDERS['mpi_inf_3dhp'])):
        if set(names) == set(skeleton.joints):
            return tuple(skeleton.index[names[i]] for i in order)
    order = skeleton.draw_order
    if len(order) != H36M_17.num_joints:
        return None
    place = {joint: i for i, joint in enumerate(order)}
    mirror = tuple(place[skeleton.flip_indices[joint]] for joint in order)
    graph = skeleton.adjacency()[np.ix_(order, order)]
    same = (
        mirror == H36M_17.flip_indices
        and np.array_equal(graph, H36M_17.adjacency()))
    return order if same else None


JOINTS_32_TO_17 = (0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27)
"""Of the 32 joints of Human3.6M's raw data, those that move on their own."""
