# Copyright (c) mmdiffpose contributors. All rights reserved.
"""From the joints of a 2D detector to a lifter's, by name."""

import warnings
from functools import lru_cache
from itertools import product
from typing import (Dict, FrozenSet, Iterator, List, Mapping, NamedTuple,
                    Optional, Sequence, Tuple)

import numpy as np

from .joint_spelling import canonical_joint
from .known_sets import SKELETONS, get_skeleton
from .mocap_sets import H36M_17, MPI_INF_3DHP_17, h36m_places
from .skeleton import Skeleton

__all__ = [
    'SKELETONS', 'find_joint', 'get_skeleton', 'joint_share', 'map_joints',
    'mapping_matrix'
]

Recipe = Mapping[str, float]
"""Weights of a joint's parts, by name; they sum to 1."""


def _mean(*parts: str) -> Recipe:
    return {part: 1 / len(parts) for part in parts}


_HIPS = _mean('left_hip', 'right_hip')
_SHOULDERS = _mean('left_shoulder', 'right_shoulder')

_RECIPES: Dict[str, List[Recipe]] = {
    'root': [_mean('pelvis'),
             _mean('hip'),
             _mean('mid_hip'), _HIPS],
    'right_foot': [_mean('right_ankle')],
    'left_foot': [_mean('left_ankle')],
    'thorax': [_SHOULDERS],
    'neck_base': [
        _mean('nose'),
        _mean('upper_neck'),
        dict(neck=3 / 4, head_top=1 / 4),
        dict(neck=3 / 4, top_head=1 / 4),
    ],
    'head': [
        _mean('head_bottom', 'head_top'),
        dict(neck=5 / 12, head_top=7 / 12),
        dict(neck=5 / 12, top_head=7 / 12),
        _mean('head_top'),
        _mean('left_eye', 'right_eye'),
    ],
}
"""Human3.6M's joints as weighted means of a detector's.

A detector's joint of the same name comes first, then the first of these whose
parts the detector has; the spine is half-way between root and thorax. For
COCO, PoseTrack18, AI Challenger and CrowdPose this is what MMPose's
``convert_keypoint_definition`` does, so that a lifter gets the same joints
here and from MMPose's inferencer. Human3.6M's ``neck_base`` lies at the height
of the chin and its ``head`` at the top of the head; a detector without a top
of the head gives the middle of the eyes for it, a few centimetres lower.
"""

_OWN_RECIPES: Dict[str, List[Recipe]] = {
    **dict.fromkeys(('root', 'pelvis', 'hip', 'mid_hip'), _RECIPES['root'] + [
                        _mean('root')
                    ]),
    **{
        f'{side}_{joint}': [_mean(f'{side}_{other}')]
        for side in ('left', 'right')
        for joint, other in (('ankle', 'foot'), ('foot', 'ankle'))
    },
    'thorax': [*_RECIPES['thorax'], _mean('neck')],
    'neck': [_mean('thorax'), _SHOULDERS],
    'neck_base':
    _RECIPES['neck_base'],
    'head': [*_RECIPES['head'], _mean('top_head')],
    'head_top': [_mean('top_head'), _mean('head')],
    'top_head': [_mean('head_top'), _mean('head')],
}
"""Joints of a lifter with a skeleton of its own as means of others', for those
that are not there under the same name."""

_OF_THE_SET: Dict[FrozenSet[str], Mapping[str, Recipe]] = {
    frozenset(MPI_INF_3DHP_17.joints):
    dict(
        thorax=_mean('neck'),
        neck_base=_mean('head'),
        head=_mean('head_top'),
    )
}
"""Joint sets whose names mean something else than elsewhere: MPI-INF-3DHP's
neck lies at the shoulders and its head at the chin, see
:data:`~mmdiffpose.skeletons.mocap_sets.JOINT_ORDERS`."""

_OTHER_RECIPE = 0.9
"""Trust in one of the recipes that is not the first that a set has parts
for."""


class Way(NamedTuple):
    """How a joint may be made.

    Attributes:
        parts: Weights of the source's joints, (S, ); they sum to 1.
        trust: What the score of such a joint is multiplied by, in (0, 1].
    """
    parts: np.ndarray
    trust: float


def _chin(*parts: str) -> Recipe:
    """Half-way between the middle of the head's sides and the shoulders."""
    return {
        **{
            part: .5 / len(parts)
            for part in parts
        },
        **{
            part: .25
            for part in _SHOULDERS
        }
    }


_FACES: List[Tuple[float, Tuple[str, ...]]] = [
    (.8, ('left_ear', 'right_ear')),
    (.7, ('left_eye', 'left_ear')),
    (.7, ('right_eye', 'right_ear')),
    (.7, ('left_eye', )),
    (.7, ('right_eye', )),
    (.5, ('left_ear', )),
    (.5, ('right_ear', )),
]
"""What is seen of a head from behind and from the side."""

_STAND_INS: Dict[str, List[Tuple[float, Recipe]]] = {
    'root': [(.65, _mean('left_hip')), (.65, _mean('right_hip'))],
    'thorax': [(.9, _SHOULDERS), (.9, _mean('neck')),
               (.4, _mean('left_shoulder')), (.4, _mean('right_shoulder'))],
    'neck_base':
    [(.8, _chin('left_eye', 'right_eye'))] + [(trust, _chin(*parts))
                                              for trust, parts in _FACES],
    'head': [(trust, _mean(*parts))
             for trust, parts in _FACES] + [(.6, _mean('nose'))],
}
"""What stands in for a joint in frames in which none of its recipes' parts was
seen, and how far that is trusted.

Detectors see no nose and no eyes from behind, and one side only of somebody
who stands sideways. A trust is the score at which
:data:`~mmdiffpose.skeletons.score_width.SCORE_SIGMA` has the width by which
a stand-in is off, seen from all sides: on mocap-mini one hip is 45 mm from the
pelvis (per axis), one shoulder 86 mm from the thorax; ears lie 20 mm below the
eyes, a head is 150 mm wide and 200 mm deep, and the chin lies 0.57 of the way
from the ears to the shoulders (ANSUR II).
"""


def _recipe(joint: str, source: Skeleton) -> Recipe:
    """A Human3.6M joint's parts; none where the source has no such joint."""
    if joint == 'spine' and joint not in source.index:
        halves = [_recipe(end, source) for end in ('root', 'thorax')]
        if not all(halves):
            return {}
        spine: Dict[str, float] = {}
        for half in halves:
            for part, weight in half.items():
                spine[part] = spine.get(part, 0.) + weight / 2
        return spine
    return next(_usual(joint, source), {})


def _usual(joint: str, source: Skeleton) -> Iterator[Recipe]:
    """A Human3.6M joint's recipes that the source has the parts of, the best
    first."""
    own = _OF_THE_SET.get(frozenset(source.joints), {})
    if joint in own:
        yield own[joint]
        return
    for recipe in [_mean(joint), *_RECIPES.get(joint, [])]:
        if all(part in source.index for part in recipe):
            yield recipe


def _ways(joint: str, source: Skeleton) -> List[Way]:
    """How a Human3.6M joint may be made, the best way first."""
    if joint == 'spine' and joint not in source.index:
        return [
            Way((low.parts + high.parts) / 2, min(low.trust, high.trust))
            for low, high in product(
                _ways('root', source), _ways('thorax', source))
        ]
    usual = [
        Way(_parts(recipe, source), _OTHER_RECIPE if rank else 1.)
        for rank, recipe in enumerate(_usual(joint, source))
    ]
    return usual + _stand_ins(joint, source)


def _own_ways(joint: str, source: Skeleton) -> List[Way]:
    """How a joint of any skeleton may be made, the best way first."""
    recipe = _own_recipe(joint, source)
    usual = [Way(_parts(recipe, source), 1.)] if recipe else []
    return usual + _stand_ins(canonical_joint(joint), source)


def _stand_ins(joint: str, source: Skeleton) -> List[Way]:
    return [
        Way(_parts(recipe, source), trust)
        for trust, recipe in _STAND_INS.get(joint, [])
        if all(part in source.index for part in recipe)
    ]


def _parts(recipe: Recipe, source: Skeleton) -> np.ndarray:
    weights = np.zeros(source.num_joints)
    for part, weight in recipe.items():
        weights[source.index[part]] = weight
    weights.flags.writeable = False
    return weights


@lru_cache(maxsize=None)
def mapping_ways(source: Skeleton,
                 target: Skeleton) -> Tuple[Tuple[Way, ...], ...]:
    """All ways to make the target's joints from the source's.

    Args:
        source (Skeleton): See :func:`mapping_matrix`, as for the target.
        target (Skeleton): J joints.

    Returns:
        tuple[tuple[Way]]: J of them, each the best first; none for a joint
        that the source has nothing for.

    Raises:
        ValueError: If there is no mapping between the two.
    """
    if source.joints == target.joints:
        return tuple((Way(row, 1.), ) for row in np.eye(target.num_joints))
    places = h36m_places(target)
    if set(source.joints) == set(target.joints):
        made = [[Way(_parts(_mean(joint), source), 1.)]
                for joint in target.joints]
    elif places is not None:
        made = [[] for _ in target.joints]
        for place, joint in zip(places, H36M_17.joints):
            made[place] = _ways(joint, source)
    else:
        made = [_own_ways(joint, source) for joint in target.joints]
    if not made[target.root]:
        raise ValueError(
            f'no joint mapping from {source.name} to {target.name}: '
            f'nothing in {list(source.joints)} makes the root of '
            f'{list(target.joints)}, {target.joints[target.root]}; known '
            f'joint sets are {sorted(SKELETONS)}')
    if places is None:
        _tell_missing(source, target, [bool(ways) for ways in made])
    return tuple(map(tuple, made))


def _tell_missing(source: Skeleton, target: Skeleton,
                  known: Sequence[bool]) -> None:
    """Say which joints of an own skeleton a source has nothing for.

    Raises:
        ValueError: If it has nothing for more than two of three.
    """
    missing = [joint for joint, has in zip(target.joints, known) if not has]
    if len(missing) > 2 / 3 * target.num_joints:
        raise ValueError(
            f'of the joints {list(target.joints)} of {target.name}, only '
            f'{sorted(set(target.joints) - set(missing))} have a like among '
            f'those of {source.name}, {list(source.joints)}: joints are '
            'matched by their names; call them as there (left_knee, LKnee)')
    if missing:
        warnings.warn(
            f'{source.name} has nothing for the joints {missing} of '
            f'{target.name}: they are lifted as if nobody had seen them',
            stacklevel=3)


def _own_recipe(joint: str, source: Skeleton) -> Recipe:
    """Parts of a joint of any skeleton, known by its name."""
    if joint in source.index:
        return _mean(joint)
    name = canonical_joint(joint)
    names = {canonical_joint(other): other for other in source.joints}
    if name == 'spine' and 'spine' not in names:
        return _recipe('spine', source)
    for recipe in [_mean(name), *_OWN_RECIPES.get(name, [])]:
        if all(part in names for part in recipe):
            return {names[part]: weight for part, weight in recipe.items()}
        if all(part in source.index for part in recipe):
            return recipe
    return {}


def find_joint(skeleton: Skeleton, name: str) -> Optional[int]:
    """Where a joint is that is named as Human3.6M or the skeleton names it.

    Args:
        skeleton (Skeleton): Any joint set.
        name (str): For example ``'right_foot'``, which others call an ankle.

    Returns:
        int | None: Its index; None where it is not there.
    """
    if name in skeleton.index:
        return skeleton.index[name]
    places = h36m_places(skeleton)
    if places is not None:
        return places[H36M_17.index[name]] if name in H36M_17.index else None
    recipe = _own_recipe(name, skeleton)
    return skeleton.index[next(iter(recipe))] if len(recipe) == 1 else None


def joint_share(skeleton: Skeleton, name: str) -> Optional[np.ndarray]:
    """A joint as Human3.6M names it as a mean of a skeleton's own.

    Args:
        skeleton (Skeleton): Any joint set, J joints.
        name (str): For example ``'thorax'``, the middle of the shoulders
            where there is none.

    Returns:
        np.ndarray | None: (J, ), summing to 1; None where nothing makes it.
    """
    place = find_joint(skeleton, name)
    recipe = {
        skeleton.joints[place]: 1.
    } if place is not None else (_own_recipe(name, skeleton))
    if not recipe:
        return None
    share = np.zeros(skeleton.num_joints)
    for part, weight in recipe.items():
        share[skeleton.index[part]] = weight
    return share


@lru_cache(maxsize=None)
def mapping_matrix(source: Skeleton, target: Skeleton) -> np.ndarray:
    """Weights that make the target's joints where all parts are seen.

    Args:
        source (Skeleton): Joint set of a 2D detector, S joints.
        target (Skeleton): Joint set of a lifter, J joints: Human3.6M's in any
            order, another one's, known by their names, or the source's own.

    Returns:
        np.ndarray: (J, S), read-only. Rows sum to 1, or are 0 for a joint
        that the source has nothing for; the identity for equal joint sets.

    Raises:
        ValueError: If there is no mapping between the two.
    """
    matrix = np.stack([
        ways[0].parts if ways else np.zeros(source.num_joints)
        for ways in mapping_ways(source, target)
    ])
    matrix.flags.writeable = False
    return matrix


def map_joints(keypoints: np.ndarray, scores: np.ndarray, source: Skeleton,
               target: Skeleton) -> Tuple[np.ndarray, np.ndarray]:
    """Convert 2D joints and their scores to another joint set.

    A joint made of several is as sure as the least sure of them: its score is
    their minimum. Where one that it needs is missing, others stand in if they
    can, with a lower score (:data:`_STAND_INS`): ears for the eyes of
    somebody seen from behind, one hip for the middle of both. Otherwise the
    joint is missing (score 0), as it is where the source has nothing for it;
    its coordinates then mean nothing.

    Args:
        keypoints (np.ndarray): (..., S, C), pixels.
        scores (np.ndarray): (..., S), 0 for a missing joint.
        source (Skeleton): Joint set of the input.
        target (Skeleton): Joint set wanted.

    Returns:
        tuple[np.ndarray, np.ndarray]: Keypoints (..., J, C) and scores
        (..., J).

    Raises:
        ValueError: If the joint counts are not the source's, or there is no
            mapping.
    """
    for name, found in (('keypoints', keypoints.shape[-2]),
                        ('scores', scores.shape[-1])):
        if found != source.num_joints:
            raise ValueError(f'{name} of skeleton {source.name}: expected '
                             f'{source.num_joints} joints, found {found}')
    places, sure = [], []
    for ways in mapping_ways(source, target):
        place = np.zeros_like(keypoints[..., 0, :])
        score = np.zeros_like(scores[..., 0])
        for rank, way in enumerate(ways):
            own = scores[..., way.parts > 0].min(-1) * way.trust
            use = (score == 0) & ((own > 0) | (rank == 0))
            made = way.parts.astype(keypoints.dtype) @ keypoints
            place = np.where(use[..., None], made, place)
            score = np.where(use, own, score)
        places.append(place)
        sure.append(score)
    return (np.stack(places, -2).astype(keypoints.dtype),
            np.stack(sure, -1).astype(scores.dtype))
