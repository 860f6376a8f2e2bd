# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Joint sets: names, kinematic tree, left/right pairs.

Plain Python and NumPy: no torch, no mmpose. Mappings between detectors'
joints and the lifters' live here too, so that a joint index is written down
once.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Dict, Tuple

import numpy as np


@dataclass(frozen=True)
class Skeleton:
    """A joint set with its kinematic tree.

    Attributes:
        name: Name of the joint set, for example ``'h36m'``.
        joints: Joint names in index order, J of them.
        parents: Index of each joint's parent, -1 for the root.
        flip_pairs: (left, right) index pairs.
    """
    name: str
    joints: Tuple[str, ...]
    parents: Tuple[int, ...]
    flip_pairs: Tuple[Tuple[int, int], ...]

    @property
    def num_joints(self) -> int:
        """Number of joints J."""
        return len(self.joints)

    @cached_property
    def root(self) -> int:
        """Index of the root joint."""
        return self.parents.index(-1)

    @cached_property
    def index(self) -> Dict[str, int]:
        """Joint name to index."""
        return {name: i for i, name in enumerate(self.joints)}

    @cached_property
    def flip_indices(self) -> Tuple[int, ...]:
        """Permutation of the joints under a left/right mirror."""
        order = list(range(self.num_joints))
        for left, right in self.flip_pairs:
            order[left], order[right] = right, left
        return tuple(order)

    @cached_property
    def bones(self) -> Tuple[Tuple[int, int], ...]:
        """(parent, child) index pairs, one per non-root joint."""
        return tuple(
            (parent, child) for child, parent in enumerate(self.parents)
            if parent >= 0)

    def adjacency(self) -> np.ndarray:
        """Symmetric 0/1 adjacency of the bones without self-loops, (J, J)."""
        matrix = np.zeros((self.num_joints, self.num_joints), np.float32)
        for parent, child in self.bones:
            matrix[parent, child] = matrix[child, parent] = 1
        return matrix


H36M_17 = Skeleton(
    name='h36m',
    joints=('root', 'right_hip', 'right_knee', 'right_foot', 'left_hip',
            'left_knee', 'left_foot', 'spine', 'thorax', 'neck_base', 'head',
            'left_shoulder', 'left_elbow', 'left_wrist', 'right_shoulder',
            'right_elbow', 'right_wrist'),
    parents=(-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15),
    flip_pairs=((4, 1), (5, 2), (6, 3), (11, 14), (12, 15), (13, 16)))

COCO_17 = Skeleton(
    name='coco',
    joints=('nose', 'left_eye', 'right_eye', 'left_ear', 'right_ear',
            'left_shoulder', 'right_shoulder', 'left_elbow', 'right_elbow',
            'left_wrist', 'right_wrist', 'left_hip', 'right_hip', 'left_knee',
            'right_knee', 'left_ankle', 'right_ankle'),
    parents=(-1, 0, 0, 1, 2, 0, 0, 5, 6, 7, 8, 5, 6, 11, 12, 13, 14),
    flip_pairs=((1, 2), (3, 4), (5, 6), (7, 8), (9, 10), (11, 12), (13, 14),
                (15, 16)))
