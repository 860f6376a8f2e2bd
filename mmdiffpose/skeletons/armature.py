# Copyright (c) mmdiffpose contributors. All rights reserved.
"""A body of stiff bones, as animation programs want one."""

from dataclasses import dataclass
from functools import cached_property
from typing import Dict, List, Tuple

import numpy as np

from .skeleton import Skeleton

Direction = Tuple[float, float, float]

_UP, _DOWN = (0., 1., 0.), (0., -1., 0.)
_LEFT, _RIGHT = (1., 0., 0.), (-1., 0., 0.)

REST_DIRECTIONS: Dict[str, Direction] = dict(
    right_hip=_RIGHT,
    right_knee=_DOWN,
    right_foot=_DOWN,
    left_hip=_LEFT,
    left_knee=_DOWN,
    left_foot=_DOWN,
    spine=_UP,
    thorax=_UP,
    neck_base=_UP,
    head=_UP,
    left_shoulder=_LEFT,
    left_elbow=_LEFT,
    left_wrist=_LEFT,
    right_shoulder=_RIGHT,
    right_elbow=_RIGHT,
    right_wrist=_RIGHT)
"""The T-pose: where each joint lies from its parent. y is up, the person
faces +z, so that their left is +x."""

HINGES: Dict[str, Direction] = dict(
    right_knee=_LEFT, left_knee=_LEFT, right_elbow=_UP, left_elbow=_DOWN)
"""Axis, in the T-pose, about which the joint at a bone's end bends: of the
bone's direction and the next one's it is the cross product. Knees bend
backwards, elbows forwards."""


@dataclass(frozen=True)
class Armature:
    """Stiff bones in a T-pose, K nodes for the J joints of a skeleton.

    A node is a place with a rotation, and moves what hangs on it. A joint at
    which bones part has a node for itself and a further one, at the same
    place, for each of the bones, so that every bone has its own direction.

    Attributes:
        skeleton: The joints.
        names: K names, of letters, digits and ``_``.
        parents: (K, ) index of each node's parent, which comes before it; -1
            for the first, the root.
        offsets: (K, 3) metres, from the parent, in the T-pose; 0 for the
            root.
    """
    skeleton: Skeleton
    names: Tuple[str, ...]
    parents: Tuple[int, ...]
    offsets: np.ndarray

    @cached_property
    def index(self) -> Dict[str, int]:
        """Name of a node to its index."""
        return {name: i for i, name in enumerate(self.names)}

    @cached_property
    def joints(self) -> List[int]:
        """(J, ) the node at each joint."""
        return [self.index[joint] for joint in self.skeleton.joints]

    def driver(self, joint: int) -> int:
        """The node whose rotation turns the bone that ends at a joint."""
        return self.parents[self.joints[joint]]

    def end_offset(self, node: int) -> np.ndarray:
        """(3, ) where a bone without a joint at its end points, metres.

        A quarter of the last bone, straight on: some readers take a node
        without any length for no bone.
        """
        return self.offsets[node] / 4

    def pose(self, roots: np.ndarray, rotations: np.ndarray) -> np.ndarray:
        """Forward kinematics.

        Args:
            roots (np.ndarray): (F, 3) where the root is, metres.
            rotations (np.ndarray): (F, K, 3, 3) of each node, relative to its
                parent's.

        Returns:
            np.ndarray: (F, J, 3) the joints.
        """
        places = np.zeros((len(roots), len(self.names), 3))
        turned = np.zeros((len(roots), len(self.names), 3, 3))
        for node, parent in enumerate(self.parents):
            if parent < 0:
                places[:, node], turned[:, node] = roots, rotations[:, node]
                continue
            step = turned[:, parent] @ self.offsets[node]
            places[:, node] = places[:, parent] + step
            turned[:, node] = turned[:, parent] @ rotations[:, node]
        return places[:, self.joints]


def make_armature(skeleton: Skeleton, lengths: np.ndarray) -> Armature:
    """A body in a T-pose.

    Args:
        skeleton (Skeleton): J joints, all of :data:`REST_DIRECTIONS`.
        lengths (np.ndarray): (J, ) metres from each joint's parent; the
            root's is not looked at.

    Raises:
        ValueError: If it is not known where a joint lies in a T-pose.
    """
    unknown = [
        joint for joint, parent in zip(skeleton.joints, skeleton.parents)
        if parent >= 0 and joint not in REST_DIRECTIONS
    ]
    if unknown:
        raise ValueError(
            f'skeleton {skeleton.name}: expected joints whose place in a '
            f'T-pose is known, {sorted(REST_DIRECTIONS)}, found {unknown}')
    names, parents, offsets = [], [], []

    def add(name: str, parent: int, offset: np.ndarray) -> int:
        names.append(name)
        parents.append(parent)
        offsets.append(offset)
        return len(names) - 1

    def grow(joint: int, parent: int) -> None:
        name = skeleton.joints[joint]
        offset = np.zeros(3)
        if skeleton.parents[joint] >= 0:
            offset = lengths[joint] * np.array(REST_DIRECTIONS[name])
        node = add(name, parent, offset)
        children = children_of(skeleton, joint)
        for child in children:
            start = node
            if len(children) > 1:
                start = add(f'{name}_to_{skeleton.joints[child]}', node,
                            np.zeros(3))
            grow(child, start)

    grow(skeleton.root, -1)
    return Armature(skeleton, tuple(names), tuple(parents), np.array(offsets))


def children_of(skeleton: Skeleton, joint: int) -> List[int]:
    """Indices of the joints that hang on a joint."""
    return [
        child for child, parent in enumerate(skeleton.parents)
        if parent == joint
    ]
