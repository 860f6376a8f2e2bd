# Copyright (c) mmdiffpose contributors. All rights reserved.
"""A joint set with its kinematic tree."""

from dataclasses import dataclass
from functools import cached_property
from typing import Dict, Mapping, Tuple

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
        return tuple((parent, child)
                     for child, parent in enumerate(self.parents)
                     if parent >= 0)

    def adjacency(self) -> np.ndarray:
        """Symmetric 0/1 adjacency of the bones without self-loops, (J, J)."""
        matrix = np.zeros((self.num_joints, self.num_joints), np.float32)
        for parent, child in self.bones:
            matrix[parent, child] = matrix[child, parent] = 1
        return matrix


def named_skeleton(
    name: str,
    joints: Tuple[str, ...],
    parents: Mapping[str, str],
    flip_pairs: Tuple[Tuple[int, int], ...] = ()
) -> Skeleton:
    """A joint set whose tree and mirror are told by names.

    Args:
        name (str): Name of the joint set.
        joints (tuple[str]): Joint names in index order.
        parents (Mapping[str, str]): Joint to parent, all but the root.
        flip_pairs (tuple[tuple[int, int]]): (left, right) index pairs beside
            those of joints called ``left_...`` and ``right_...``.

    Returns:
        Skeleton: The joint set.
    """
    index = {joint: i for i, joint in enumerate(joints)}
    pairs = tuple((i, index['right_' + joint[5:]])
                  for i, joint in enumerate(joints)
                  if joint.startswith('left_'))
    return Skeleton(
        name, joints,
        tuple(index[parents[joint]] if joint in parents else -1
              for joint in joints), pairs + flip_pairs)
