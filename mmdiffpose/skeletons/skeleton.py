# Copyright (c) mmdiffpose contributors. All rights reserved.
"""A joint set with its kinematic tree."""

from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any, Dict, Mapping, Optional, Sequence, Set, Tuple

import numpy as np

from mmdiffpose.input_files import check_name


@dataclass(frozen=True)
class Skeleton:
    """A joint set with its kinematic tree.

    Attributes:
        name: Name of the joint set, for example ``'h36m'``.
        joints: Joint names in index order, J of them.
        parents: Index of each joint's parent, -1 for the root and for joints
            that no bone connects with it.
        flip_pairs: (left, right) index pairs.
        links: All bones as index pairs, in an order of their own; those of
            the tree where there are none here. A graph with a ring, such as
            shoulders and hips, has more bones than its tree.
        root_joint: Index of the root where several joints have no parent.
    """
    name: str
    joints: Tuple[str, ...]
    parents: Tuple[int, ...]
    flip_pairs: Tuple[Tuple[int, int], ...]
    links: Tuple[Tuple[int, int], ...] = ()
    root_joint: Optional[int] = None

    @property
    def num_joints(self) -> int:
        """Number of joints J."""
        return len(self.joints)

    @cached_property
    def root(self) -> int:
        """Index of the root joint."""
        if self.root_joint is not None:
            return self.root_joint
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
        """(parent, child) index pairs of the tree, by child."""
        return tuple((parent, child)
                     for child, parent in enumerate(self.parents)
                     if parent >= 0)

    @cached_property
    def draw_order(self) -> Tuple[int, ...]:
        """Joints in an order that does not depend on their indices.

        The root, then the others as the bones name them. Random numbers are
        drawn in it, so that a seed gives a joint the same noise wherever the
        joint stands. Human3.6M's is that of its indices.
        """
        found = dict.fromkeys([self.root])
        for link in self.links or self.bones:
            found.update(dict.fromkeys(link))
        found.update(dict.fromkeys(range(self.num_joints)))
        return tuple(found)

    def adjacency(self) -> np.ndarray:
        """Symmetric 0/1 adjacency of all bones without self-loops, (J, J)."""
        matrix = np.zeros((self.num_joints, self.num_joints), np.float32)
        for one, other in self.links or self.bones:
            matrix[one, other] = matrix[other, one] = 1
        return matrix

    def same_joints(self, other: 'Skeleton') -> bool:
        """Whether joints, mirror, graph and root are another's, too."""
        return (self.joints == other.joints and self.root == other.root
                and self.flip_indices == other.flip_indices
                and np.array_equal(self.adjacency(), other.adjacency()))

    def reordered(self,
                  order: Sequence[int],
                  joints: Optional[Sequence[str]] = None) -> 'Skeleton':
        """The same people with their joints in another order.

        Args:
            order (Sequence[int]): Index here of each joint there.
            joints (Sequence[str], optional): Other names of them.

        Returns:
            Skeleton: Bones keep their order, so that :attr:`draw_order` is
            that of the same joints.
        """
        place = {old: new for new, old in enumerate(order)}
        place[-1] = -1
        return Skeleton(
            self.name, tuple(joints or (self.joints[i] for i in order)),
            tuple(place[self.parents[i]] for i in order),
            tuple((place[a], place[b]) for a, b in self.flip_pairs),
            tuple((place[a], place[b]) for a, b in self.links or self.bones),
            place[self.root])

    def as_dict(self) -> Dict[str, Any]:
        """Plain lists, for configs; :func:`as_skeleton` reads them."""
        return dict(
            name=self.name,
            joints=list(self.joints),
            links=[list(link) for link in self.links or self.bones],
            flip_pairs=[list(pair) for pair in self.flip_pairs],
            root=self.root)


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


def skeleton_from_links(name: str, joints: Sequence[str],
                        links: Sequence[Sequence[int]],
                        flip_pairs: Sequence[Sequence[int]],
                        root: int) -> Skeleton:
    """A joint set whose tree is found by walking its bones from the root.

    Args:
        name (str): Name of the joint set.
        joints (Sequence[str]): Joint names in index order.
        links (Sequence[Sequence[int]]): Bones as index pairs; rings are
            allowed, and joints without any.
        flip_pairs (Sequence[Sequence[int]]): (left, right) index pairs.
        root (int): Index of the root joint.

    Returns:
        Skeleton: The joint set.

    Raises:
        ValueError: If a name is there twice, or an index is none of a joint,
            or a joint has two mirror images.
    """
    count = len(joints)
    for joint in joints:
        check_name(f'skeleton {name}: joints', joint)
    twice = sorted({joint for joint in joints if joints.count(joint) > 1})
    if twice:
        raise ValueError(f'skeleton {name}: expected joints with different '
                         f'names, found {twice} twice in {list(joints)}')
    bones = [(int(a), int(b)) for a, b in links]
    pairs = [(int(a), int(b)) for a, b in flip_pairs]
    for what, indices in (('links', chain(*bones)),
                          ('flip_pairs', chain(*pairs)), ('root', [root])):
        wrong = [i for i in indices if not 0 <= i < count]
        if wrong:
            raise ValueError(f'skeleton {name}: {what}: expected indices of '
                             f'{count} joints, found {wrong}')
    ends = list(chain(*pairs))
    if len(set(ends)) != len(ends):
        raise ValueError(f'skeleton {name}: expected joints with one mirror '
                         f'image each, found the pairs {pairs}')
    return Skeleton(name, tuple(joints), _walk(count, bones, root),
                    tuple(pairs), tuple(bones), root)


def _walk(count: int, bones: Sequence[Tuple[int, int]],
          root: int) -> Tuple[int, ...]:
    """Parents of a breadth-first walk; parts that no bone connects with the
    root are trees of their own."""
    parents = [-1] * count
    reached: Set[int] = set()
    for first in chain([root], *bones, range(count)):
        queue = [] if first in reached else [first]
        reached.update(queue)
        for joint in queue:
            for a, b in bones:
                other = b if a == joint else a if b == joint else joint
                if other not in reached:
                    parents[other] = joint
                    reached.add(other)
                    queue.append(other)
    return tuple(parents)
