# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Joint sets from the names of their joints, however these are spelled."""

import re
from typing import Dict, List, Sequence

from .detector_sets import FACE, limb_tree
from .mapping import SKELETONS
from .skeleton import Skeleton

_SIDES = dict(
    l='left', left='left', lt='left', r='right', right='right', rt='right')
_PARTS = dict(
    sho='shoulder',
    shldr='shoulder',
    elb='elbow',
    wri='wrist',
    wr='wrist',
    kne='knee',
    ank='ankle',
    hips='hip',
    bigtoe='big_toe',
    smalltoe='small_toe',
    littletoe='small_toe',
    toebase='big_toe',
    toe='big_toe')
_MIDDLES = dict(
    hip='mid_hip',
    pelvis='mid_hip',
    root='mid_hip',
    midhip='mid_hip',
    mid_hips='mid_hip',
    hip_center='mid_hip',
    hip_centre='mid_hip',
    mhip='mid_hip',
    headtop='head_top',
    top_of_head='head_top',
    vertex='head_top',
    top_head='head_top',
    neck_nose='neck_base',
    upperneck='upper_neck',
    headbottom='head_bottom',
    belly='spine',
    torso='spine')
"""Names of joints in the middle, beside those that are the same."""


def canonical_joint(name: str) -> str:
    """A joint's name as this package spells it.

    ``LShoulder``, ``l_shoulder``, ``shoulder_left`` and ``Left Shoulder`` are
    ``left_shoulder``. What is not known comes back in lower case with
    underscores.
    """
    text = re.sub(r'(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])', '_',
                  name.strip())
    words = [w for w in re.split(r'[^a-z0-9]+', text.lower()) if w]
    side = ''
    for place in (0, -1):
        if len(words) > 1 and words[place] in _SIDES:
            side = _SIDES[words.pop(place)]
            break
    part = '_'.join(words)
    if not side:
        # All in one word: leftshoulder, lshoulder, lsho.
        match = re.fullmatch(r'(left|right|l|r)_?(\w+)', part)
        if match and _PARTS.get(match[2], match[2]) in _LIMB_PARTS:
            side, part = _SIDES[match[1]], match[2]
    if side:
        return f'{side}_{_PARTS.get(part, part)}'
    return _MIDDLES.get(part, part)


_LIMB_PARTS = {
    joint.split('_', 1)[1]
    for skeleton in SKELETONS.values()
    for joint in skeleton.joints if joint.startswith('left_')
}


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
