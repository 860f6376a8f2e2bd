# Copyright (c) mmdiffpose contributors. All rights reserved.
"""A body of stiff bones, as animation programs want one."""

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Dict, Iterator, List, Mapping, Optional, Tuple

import numpy as np

from .joint_spelling import canonical_joint
from .skeleton import Skeleton

Direction = Tuple[float, float, float]

_UP: Direction = (0., 1., 0.)
_DOWN: Direction = (0., -1., 0.)
_LEFT: Direction = (1., 0., 0.)


def _on_both_sides(
        left: Mapping[str, Direction]) -> Iterator[Tuple[str, Direction]]:
    for name, (x, y, z) in left.items():
        yield f'left_{name}', (x, y, z)
        yield f'right_{name}', (-x, y, z)


T_POSE: Dict[str, Direction] = dict(
    dict(
        mid_hip=(0., .95, 0.),
        spine=(0., 1.2, 0.),
        chest=(0., 1.3, 0.),
        thorax=(0., 1.45, 0.),
        neck=(0., 1.47, 0.),
        neck_base=(0., 1.5, 0.),
        upper_neck=(0., 1.5, 0.),
        head_bottom=(0., 1.5, 0.),
        nose=(0., 1.6, .1),
        head=(0., 1.7, 0.),
        head_top=(0., 1.75, 0.)),
    **dict(
        _on_both_sides(
            dict(
                hip=(.1, .95, 0.),
                knee=(.1, .5, 0.),
                foot=(.1, .08, 0.),
                ankle=(.1, .08, 0.),
                heel=(.1, .02, -.06),
                big_toe=(.1, .02, .18),
                small_toe=(.14, .02, .15),
                foot_index=(.1, .02, .18),
                shoulder=(.18, 1.45, 0.),
                elbow=(.46, 1.45, 0.),
                wrist=(.71, 1.45, 0.),
                index=(.8, 1.45, .03),
                pinky=(.8, 1.45, -.03),
                thumb=(.76, 1.45, .05),
                eye=(.03, 1.64, .08),
                eye_inner=(.02, 1.64, .09),
                eye_outer=(.04, 1.64, .08),
                ear=(.08, 1.63, 0.),
                mouth=(.02, 1.56, .09)))))
"""The T-pose: about where each joint is, metres, by the name that
:func:`~.joint_spelling.canonical_joint` gives it. y is up, the person faces
+z, so that their left is +x. A bone's direction in it is that between its
joints, whichever of them the bone joins."""

_HINGES: Dict[str, Direction] = dict(
    right_knee=_LEFT, left_knee=_LEFT, right_elbow=_UP, left_elbow=_DOWN)


def hinge(joint: str) -> Optional[Direction]:
    """Axis, in the T-pose, about which a joint bends; None: it has none.

    Of the direction of the bone that ends there and the next one's it is the
    cross product. Knees bend backwards, elbows forwards.
    """
    return _HINGES.get(canonical_joint(joint))


@lru_cache(maxsize=None)
def rest_directions(skeleton: Skeleton) -> Tuple[Direction, ...]:
    """Unit vectors from each joint's parent to it in the T-pose, J of them.

    The root's, and that of a joint at its parent's place, is up.

    Args:
        skeleton (Skeleton): J joints, by names in anybody's spelling.

    Raises:
        ValueError: If it is not known where a joint lies in a T-pose, or no
            bone leads to it.
    """
    names = [canonical_joint(joint) for joint in skeleton.joints]
    unknown = [
        joint for joint, name in zip(skeleton.joints, names)
        if name not in T_POSE
    ]
    if unknown:
        raise ValueError(
            f'skeleton {skeleton.name}: expected joints whose place in a '
            f'T-pose is known, {[n for n in T_POSE if "right" not in n]}, '
            f'found {unknown}')
    loose = [
        joint for i, joint in enumerate(skeleton.joints)
        if skeleton.parents[i] < 0 and i != skeleton.root
    ]
    if loose:
        raise ValueError(f'skeleton {skeleton.name}: expected a bone to every '
                         f'joint but the root, found none to {loose}')
    directions = []
    for name, parent in zip(names, skeleton.parents):
        bone = np.zeros(3)
        if parent >= 0:
            bone = np.subtract(T_POSE[name], T_POSE[names[parent]])
        length = float(np.linalg.norm(bone))
        x, y, z = bone / length if length > 0 else _UP
        directions.append((float(x), float(y), float(z)))
    return tuple(directions)


@dataclass(frozen=True)
class Armature:
    """Stiff bones in a T-pose, K nodes for the J joints of a skeleton.

    A node is a place with a rotation, and moves what hangs on it. A joint at
    which bones part has a node for itself and a further one, at the same
    place, for each of the bones, so that every bone has its own direction.

    Attributes:
        skeleton: The joints.
        names: K names: a joint's own, or of a bone.
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
    def file_names(self) -> Tuple[str, ...]:
        """K names of letters, digits and ``_``, which all readers leave as
        they are; no two are the same."""
        made: List[str] = []
        for name in self.names:
            plain = re.sub(r'\W', '_', name, flags=re.ASCII)
            number = 1
            while plain in made:
                number += 1
                plain = re.sub(r'\W', '_', f'{name}_{number}', flags=re.ASCII)
            made.append(plain)
        return tuple(made)

    @cached_property
    def joints(self) -> List[int]:
        """(J, ) the node at each joint."""
        return [self.index[joint] for joint in self.skeleton.joints]

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
        skeleton (Skeleton): J joints, all of :data:`T_POSE`.
        lengths (np.ndarray): (J, ) metres from each joint's parent; the
            root's is not looked at.

    Raises:
        ValueError: If it is not known where a joint lies in a T-pose.
    """
    rest = rest_directions(skeleton)
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
            offset = lengths[joint] * np.array(rest[joint])
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
