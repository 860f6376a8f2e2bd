# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Which joint is which in the two 17-joint orders of the field.

Human3.6M's order is the reference; MPI-INF-3DHP has the same 17 joints in an
order of its own, so a mix-up raises nothing and only spoils the numbers.
Everything that a metric needs to know about a joint (root, the 14 joints of
PCK, the segments) is written down once, in Human3.6M's order, and mapped.
"""

from typing import Sequence, Tuple

import numpy as np

from mmdiffpose.skeletons import H36M_17, JOINT_ORDERS

_PCK_JOINTS_H36M = (10, 8, 14, 15, 16, 11, 12, 13, 1, 2, 3, 4, 5, 6)


def _order(joint_order: str) -> np.ndarray:
    if joint_order not in JOINT_ORDERS:
        raise ValueError(f'Unknown joint_order {joint_order!r}: expected one '
                         f'of {sorted(JOINT_ORDERS)}.')
    return np.array(JOINT_ORDERS[joint_order])


def root_joint(joint_order: str = 'h36m') -> int:
    """Index of the pelvis."""
    return int(_order(joint_order)[H36M_17.root])


def pck_joints(joint_order: str = 'h36m') -> Tuple[int, ...]:
    """The 14 joints that MPI-INF-3DHP's PCK and AUC count.

    Head top, neck, shoulders, elbows, wrists, hips, knees and ankles; pelvis,
    spine and head are left out. In MPI-INF-3DHP's order they are its first 14
    joints.
    """
    return tuple(int(i) for i in _order(joint_order)[list(_PCK_JOINTS_H36M)])


def map_joints(indices: Sequence[int],
               joint_order: str = 'h36m') -> Tuple[int, ...]:
    """Map Human3.6M joint indices to those of ``joint_order``."""
    return tuple(int(i) for i in _order(joint_order)[list(indices)])
