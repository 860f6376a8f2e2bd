# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Which joint is which: in the two 17-joint orders of the field, and beyond.

Human3.6M's order is the reference; MPI-INF-3DHP has the same 17 joints in an
order of its own, so a mix-up raises nothing and only spoils the numbers.
Everything that a metric needs to know about a joint (root, the 14 joints of
PCK, the segments) comes from a skeleton: that of one of the two orders, or
that of a data set.
"""

from typing import Sequence, Tuple, Union

import numpy as np

from mmdiffpose.skeletons import (H36M_17, JOINT_ORDERS, MPI_INF_3DHP_17,
                                  Skeleton, canonical_joint)
from mmdiffpose.skeletons.mocap_sets import h36m_places

JointOrder = Union[str, Skeleton]
"""``'h36m'``, ``'mpi_inf_3dhp'``, or a data set's own skeleton."""

_PCK_JOINTS_H36M = (10, 8, 14, 15, 16, 11, 12, 13, 1, 2, 3, 4, 5, 6)
_PCK_NAMES = (('head_top', 'head'), ('neck', 'thorax'),
              *((f'{side}_{joint}', ) for side in ('right', 'left')
                for joint in ('shoulder', 'elbow', 'wrist')),
              *((f'{side}_{joint}', ) if joint != 'ankle' else
                (f'{side}_ankle', f'{side}_foot') for side in ('right', 'left')
                for joint in ('hip', 'knee', 'ankle')))
"""Names of the joints of PCK; of several the first that there is."""


def joint_skeleton(joint_order: JointOrder = 'h36m') -> Skeleton:
    """The skeleton of a joint order.

    Raises:
        ValueError: For an unknown name.
    """
    if isinstance(joint_order, Skeleton):
        return joint_order
    _order(joint_order)
    return H36M_17 if joint_order == 'h36m' else MPI_INF_3DHP_17


def _order(joint_order: str) -> np.ndarray:
    if joint_order not in JOINT_ORDERS:
        raise ValueError(f'Unknown joint_order {joint_order!r}: expected one '
                         f'of {sorted(JOINT_ORDERS)}.')
    return np.array(JOINT_ORDERS[joint_order])


def root_joint(joint_order: JointOrder = 'h36m') -> int:
    """Index of the root, the pelvis in both orders."""
    return joint_skeleton(joint_order).root


def pck_joints(joint_order: JointOrder = 'h36m') -> Tuple[int, ...]:
    """The 14 joints that MPI-INF-3DHP's PCK and AUC count.

    Head top, neck, shoulders, elbows, wrists, hips, knees and ankles; pelvis,
    spine and head are left out. In MPI-INF-3DHP's order they are its first 14
    joints. In another skeleton they are known by their names.

    Raises:
        ValueError: Where a skeleton does not have them all.
    """
    skeleton = joint_skeleton(joint_order)
    places = h36m_places(skeleton)
    if places is not None:
        return tuple(places[i] for i in _PCK_JOINTS_H36M)
    index = {canonical_joint(n): i for i, n in enumerate(skeleton.joints)}
    found = [
        next((index[name] for name in names if name in index), None)
        for names in _PCK_NAMES
    ]
    missing = [names[0] for names, i in zip(_PCK_NAMES, found) if i is None]
    if missing:
        raise ValueError(f'PCK counts 14 joints; {skeleton.name} has no '
                         f'{missing} among {list(skeleton.joints)}; set '
                         "pck_joint_indices, or 'all'")
    return tuple(i for i in found if i is not None)


def map_joints(indices: Sequence[int],
               joint_order: str = 'h36m') -> Tuple[int, ...]:
    """Map Human3.6M joint indices to those of ``joint_order``."""
    return tuple(int(i) for i in _order(joint_order)[list(indices)])
