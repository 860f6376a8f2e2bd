# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Joint sets from the names of their joints, however these are spelled."""

from typing import Dict, List, Sequence

from .detector_sets import FACE, limb_tree
from .joint_spelling import canonical_joint
from .known_sets import SKELETONS
from .skeleton import Skeleton


def _canonical(skeleton: Skeleton) -> List[str]:
    return [canonical_joint(joint) for joint in skeleton.joints]


def skeleton_from_names(names: Sequence[str], label: str) -> Skeleton:
    """The joint set with these joints in this order.

    Args:
        names (Sequence[str]): Joint names in index order, in the spelling of
            any tool.
        label (str): Name for a set that is none of :data:`~.SKELETONS`.

    Returns:
        Skeleton: A known one where the names are its own; else a new one,
        whose joints map to Human3.6M's by name.

    Raises:
        ValueError: If a name is no text or there twice, or none of them
            makes the hips, without which nothing can be lifted.
    """
    if not names or not all(isinstance(n, str) and n.strip() for n in names):
        raise ValueError('expected the names of joints, found '
                         f'{list(names)[:5]}')
    given = [canonical_joint(name) for name in names]
    for skeleton in SKELETONS.values():
        if given == _canonical(skeleton):
            return skeleton
    twice = sorted({name for name in given if given.count(name) > 1})
    if twice:
        raise ValueError(f'expected joints with different names, found '
                         f'{twice} twice in {list(names)}')
    # In a permutation of a known set its own spelling has its own meaning.
    for skeleton in SKELETONS.values():
        known = dict(zip(_canonical(skeleton), skeleton.joints))
        if set(given) == set(known):
            given = [known[name] for name in given]
            break
    else:
        given = ['hip' if n == 'mid_hip' else n for n in given]
    if not ({'hip', 'mid_hip', 'pelvis', 'root'} & set(given)
            or {'left_hip', 'right_hip'} <= set(given)):
        raise ValueError('expected the hips among the joints\' names, found '
                         f'{list(names)}')
    return _tree(given, label)


def _tree(joints: Sequence[str], label: str) -> Skeleton:
    """A tree of the joints; those without a parent hang on the root."""
    index = {joint: i for i, joint in enumerate(joints)}
    root = next(
        n for n in ('root', 'pelvis', 'hip', 'mid_hip', 'left_hip')
        if n in index)
    neck = next((n for n in ('thorax', 'neck', 'upper_neck') if n in index),
                root)
    parents: Dict[str, str] = {
        **limb_tree(root, neck),
        **FACE, 'left_foot': 'left_knee',
        'right_foot': 'right_knee',
        'neck_base': neck,
        'nose': neck,
        'head': 'neck_base' if 'neck_base' in index else neck,
        'head_top': 'nose' if 'nose' in index else neck
    }
    places = [
        -1 if joint == root else index.get(
            parents.get(joint, root), index[root]) for joint in joints
    ]
    pairs = tuple(
        (i, index['right_' + joint[5:]]) for joint, i in index.items()
        if joint.startswith('left_') and 'right_' + joint[5:] in index)
    return Skeleton(label, tuple(joints), tuple(places), pairs)
