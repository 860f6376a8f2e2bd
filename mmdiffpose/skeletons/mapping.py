# Copyright (c) mmdiffpose contributors. All rights reserved.
"""From the joints of a 2D detector to a lifter's, by name."""

from functools import lru_cache
from typing import Dict, FrozenSet, List, Mapping, Optional, Tuple

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
    own = _OF_THE_SET.get(frozenset(source.joints), {})
    if joint in own:
        return own[joint]
    for recipe in [_mean(joint), *_RECIPES.get(joint, [])]:
        if all(part in source.index for part in recipe):
            return recipe
    return {}


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
    """Weights that make the target's joints from the source's.

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
    if source.joints == target.joints:
        matrix = np.eye(target.num_joints)
    else:
        matrix = np.zeros((target.num_joints, source.num_joints))
        places = h36m_places(target)
        if set(source.joints) == set(target.joints):
            recipes = {target.index[j]: _mean(j) for j in target.joints}
        elif places is not None:
            recipes = {
                place: _recipe(joint, source)
                for place, joint in zip(places, H36M_17.joints)
            }
        else:
            recipes = {
                i: _own_recipe(joint, source)
                for i, joint in enumerate(target.joints)
            }
        for row, recipe in recipes.items():
            for part, weight in recipe.items():
                matrix[row, source.index[part]] = weight
        if not matrix[target.root].any():
            raise ValueError(
                f'no joint mapping from {source.name} to {target.name}: '
                f'nothing in {list(source.joints)} makes the root of '
                f'{list(target.joints)}, {target.joints[target.root]}; known '
                f'joint sets are {sorted(SKELETONS)}')
    matrix.flags.writeable = False
    return matrix


def map_joints(keypoints: np.ndarray, scores: np.ndarray, source: Skeleton,
               target: Skeleton) -> Tuple[np.ndarray, np.ndarray]:
    """Convert 2D joints and their scores to another joint set.

    A joint made of several is as sure as the least sure of them: its score is
    their minimum. So a joint is missing (score 0) as soon as one that it
    needs is, or where the source has nothing for it; its coordinates then
    mean nothing.

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
    matrix = mapping_matrix(source, target)
    mapped = matrix.astype(keypoints.dtype) @ keypoints
    needed = [
        scores[...,
               row > 0].min(-1) if row.any() else np.zeros_like(scores[..., 0])
        for row in matrix
    ]
    return mapped, np.stack(needed, -1).astype(scores.dtype)
