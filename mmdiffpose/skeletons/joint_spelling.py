# Copyright (c) mmdiffpose contributors. All rights reserved.
"""One spelling for the names that tools give a joint."""

import re
from typing import Iterator, List, Sequence, Tuple

from .known_sets import SKELETONS

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
    hips='mid_hip',
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

_OTHER_SIDES = (('left', 'right'), ('l', 'r'), ('gauche', 'droite'),
                ('gauche', 'droit'), ('links', 'rechts'),
                ('izquierda', 'derecha'), ('izquierdo', 'derecho'),
                ('izq', 'der'), ('sinistra', 'destra'), ('sinistro', 'destro'),
                ('esquerda', 'direita'), ('esquerdo', 'direito'))
"""Left and right where names are none that :func:`canonical_joint` knows."""


def mirror_images(joints: Sequence[str]) -> List[Tuple[int, int]]:
    """(left, right) index pairs, as names tell.

    By the side in this package's spelling; else names that differ in nothing
    but the side at their beginning or end, such as markers' ``LASI`` and
    ``RASI``.
    """
    names = {canonical_joint(joint): i for i, joint in enumerate(joints)}
    pairs = []
    for name, left in names.items():
        twin = name.replace('left', 'right')
        if 'left' in name and twin in names:
            pairs.append((left, names[twin]))
    paired = {joint for pair in pairs for joint in pair}
    rest = {
        joint.lower(): i
        for i, joint in enumerate(joints) if i not in paired
    }
    for name, left in rest.items():
        right = next((rest[twin] for twin in _twins(name) if twin in rest),
                     None)
        if right is not None and not {left, right} & paired:
            pairs.append((left, right))
            paired.update((left, right))
    return pairs


def _twins(name: str) -> Iterator[str]:
    """What the right one of a name that may be a left one may be called."""
    for left, right in _OTHER_SIDES:
        if name.startswith(left):
            yield right + name[len(left):]
        if name.endswith(left):
            yield name[:-len(left)] + right
