# Copyright (c) mmdiffpose contributors. All rights reserved.
"""COCO-WholeBody and Halpe-136: body, feet, face and hands."""

from typing import Dict, Iterator, Tuple

from .detector_sets import COCO_17, HALPE_26
from .skeleton import Skeleton, named_skeleton

_FEET = tuple(f'{side}_{part}' for side in ('left', 'right')
              for part in ('big_toe', 'small_toe', 'heel'))
_FINGERS = ('thumb', 'forefinger', 'middle_finger', 'ring_finger',
            'pinky_finger')
_FACE_SIZE = 68
_FACE_LINES = ((0, 17), (17, 22), (22, 27), (27, 31), (31, 36), (36, 42),
               (42, 48), (48, 60), (60, 68))
"""The 68 landmarks as lines: jaw, brows, ridge and foot of the nose, eyes,
outer and inner lip; from the first to before the last."""
_FACE_ROWS = ((0, 16), (17, 26), (31, 35), (36, 45), (40, 47), (48, 54),
              (55, 59), (60, 64), (65, 67))
"""Landmarks that a mirror swaps, as rows across the face: from the picture's
left end of a row inwards each is swapped with its like from the right end."""
_ROW_LENGTHS = (8, 5, 2, 4, 2, 3, 2, 2, 1)


def _face_pairs() -> Iterator[Tuple[int, int]]:
    """(left, right) landmarks; the low end of each row is the right side."""
    for (low, high), length in zip(_FACE_ROWS, _ROW_LENGTHS):
        yield from ((high - i, low + i) for i in range(length))


def _hand(side: str) -> Tuple[str, ...]:
    return (f'{side}_hand_root', ) + tuple(f'{side}_{finger}{i}'
                                           for finger in _FINGERS
                                           for i in range(1, 5))


def _parents(body: Skeleton) -> Dict[str, str]:
    """Joint to parent; the root is the body's."""
    parents = {
        body.joints[child]: body.joints[parent]
        for parent, child in body.bones
    }
    for start, stop in _FACE_LINES:
        parents[f'face-{start}'] = 'nose'
        for i in range(start + 1, stop):
            parents[f'face-{i}'] = f'face-{i - 1}'
    for side in ('left', 'right'):
        for foot in ('big_toe', 'small_toe', 'heel'):
            parents[f'{side}_{foot}'] = f'{side}_ankle'
        root = f'{side}_hand_root'
        parents[root] = f'{side}_wrist'
        for finger in _FINGERS:
            parents[f'{side}_{finger}1'] = root
            for i in range(2, 5):
                parents[f'{side}_{finger}{i}'] = f'{side}_{finger}{i - 1}'
    return parents


def _wholebody(name: str, body: Skeleton, feet: Tuple[str, ...]) -> Skeleton:
    """A body with feet, then the face, then the left and the right hand."""
    face = tuple(f'face-{i}' for i in range(_FACE_SIZE))
    joints = body.joints + feet + face + _hand('left') + _hand('right')
    first = joints.index('face-0')
    pairs = tuple(
        (first + left, first + right) for left, right in _face_pairs())
    return named_skeleton(name, joints, _parents(body), pairs)


COCO_WHOLEBODY_133 = _wholebody('coco_wholebody', COCO_17, _FEET)
"""17 joints of the body as in COCO, 6 of the feet, 68 of the face, 42 of the
hands."""

HALPE_136 = _wholebody('halpe136', HALPE_26, ())
"""26 joints of body and feet as in Halpe-26, 68 of the face, 42 of the
hands; AlphaPose's full body."""
