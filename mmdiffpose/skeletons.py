# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Joint sets: names, kinematic tree, left/right pairs.

Plain Python and NumPy: no torch, no mmpose. Mappings between detectors'
joints and the lifters' live here too, so that a joint index is written down
once.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Dict, Tuple

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


H36M_17 = Skeleton(
    name='h36m',
    joints=('root', 'right_hip', 'right_knee', 'right_foot', 'left_hip',
            'left_knee', 'left_foot', 'spine', 'thorax', 'neck_base', 'head',
            'left_shoulder', 'left_elbow', 'left_wrist', 'right_shoulder',
            'right_elbow', 'right_wrist'),
    parents=(-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15),
    flip_pairs=((4, 1), (5, 2), (6, 3), (11, 14), (12, 15), (13, 16)))

COCO_17 = Skeleton(
    name='coco',
    joints=('nose', 'left_eye', 'right_eye', 'left_ear', 'right_ear',
            'left_shoulder', 'right_shoulder', 'left_elbow', 'right_elbow',
            'left_wrist', 'right_wrist', 'left_hip', 'right_hip', 'left_knee',
            'right_knee', 'left_ankle', 'right_ankle'),
    parents=(-1, 0, 0, 1, 2, 0, 0, 5, 6, 7, 8, 5, 6, 11, 12, 13, 14),
    flip_pairs=((1, 2), (3, 4), (5, 6), (7, 8), (9, 10), (11, 12), (13, 14),
                (15, 16)))

MPI_INF_3DHP_17 = Skeleton(
    name='mpi_inf_3dhp',
    joints=('head_top', 'neck', 'right_shoulder', 'right_elbow', 'right_wrist',
            'left_shoulder', 'left_elbow', 'left_wrist', 'right_hip',
            'right_knee', 'right_ankle', 'left_hip', 'left_knee', 'left_ankle',
            'pelvis', 'spine', 'head'),
    parents=(16, 15, 1, 2, 3, 1, 5, 6, 14, 8, 9, 14, 11, 12, -1, 14, 1),
    flip_pairs=((5, 2), (6, 3), (7, 4), (11, 8), (12, 9), (13, 10)))
"""The data set's own order of its 17 joints; the root is number 14."""

JOINT_ORDERS: Dict[str, Tuple[int, ...]] = {
    'h36m': tuple(range(17)),
    'mpi_inf_3dhp': (14, 8, 9, 10, 11, 12, 13, 15, 1, 16, 0, 5, 6, 7, 2, 3, 4),
}
"""For each 17-joint order of the field, the index of Human3.6M's joints 0 to
16 in it: ``pose[JOINT_ORDERS[name]]`` is in Human3.6M's order. MPI-INF-3DHP's
neck is the thorax there, its head the neck base, its head top the head."""

SKELETONS: Dict[str, Skeleton] = {
    skeleton.name: skeleton
    for skeleton in (H36M_17, COCO_17)
}
"""Joint sets of 2D detections, by name."""

_RECIPES: Dict[Tuple[str, str], Dict[str, Dict[str, float]]] = {
    ('coco', 'h36m'): {
        'root': {
            'left_hip': 1 / 2,
            'right_hip': 1 / 2
        },
        'right_foot': {
            'right_ankle': 1
        },
        'left_foot': {
            'left_ankle': 1
        },
        # half-way between root and thorax
        'spine': {
            'left_hip': 1 / 4,
            'right_hip': 1 / 4,
            'left_shoulder': 1 / 4,
            'right_shoulder': 1 / 4
        },
        'thorax': {
            'left_shoulder': 1 / 2,
            'right_shoulder': 1 / 2
        },
        'neck_base': {
            'nose': 1
        },
        'head': {
            'left_eye': 1 / 2,
            'right_eye': 1 / 2
        },
    },
}
"""Target joints as weighted means of source joints, by (source, target).

Joints of the same name map to themselves and are left out. COCO's table
follows MMPose's ``convert_keypoint_definition``, so that a lifter gets the
same joints here and from MMPose's inferencer. COCO has no top of the head:
the middle of the eyes stands for Human3.6M's ``head``, a few centimetres
lower than it was annotated there.
"""


def get_skeleton(name: str) -> Skeleton:
    """Joint set by name.

    Raises:
        ValueError: If there is no such joint set; names those that there are.
    """
    if name not in SKELETONS:
        raise ValueError(f'unknown skeleton {name!r}, expected one of '
                         f'{sorted(SKELETONS)}')
    return SKELETONS[name]


def mapping_matrix(source: Skeleton, target: Skeleton) -> np.ndarray:
    """Weights that make the target's joints from the source's.

    Args:
        source (Skeleton): Joint set of a 2D detector, S joints.
        target (Skeleton): Joint set of a lifter, J joints.

    Returns:
        np.ndarray: (J, S), rows sum to 1; the identity for equal joint sets.

    Raises:
        ValueError: If there is no mapping between the two.
    """
    if source.joints == target.joints:
        return np.eye(target.num_joints)
    if (source.name, target.name) not in _RECIPES:
        known = sorted(f'{a} to {b}' for a, b in _RECIPES)
        raise ValueError(f'no joint mapping from {source.name} to '
                         f'{target.name}, expected one of {known}')
    recipe = _RECIPES[source.name, target.name]
    matrix = np.zeros((target.num_joints, source.num_joints))
    for row, joint in enumerate(target.joints):
        for part, weight in recipe.get(joint, {joint: 1}).items():
            matrix[row, source.index[part]] = weight
    return matrix


def map_joints(keypoints: np.ndarray, scores: np.ndarray, source: Skeleton,
               target: Skeleton) -> Tuple[np.ndarray, np.ndarray]:
    """Convert 2D joints and their scores to another joint set.

    A joint made of several is as sure as the least sure of them: its score is
    their minimum. So a joint is missing (score 0) as soon as one that it
    needs is; its coordinates then mean nothing.

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
    matrix = mapping_matrix(source, target).astype(keypoints.dtype)
    mapped = np.einsum('js,...sc->...jc', matrix, keypoints)
    needed = np.where(matrix > 0, scores[..., None, :], np.inf)
    return mapped, needed.min(-1).astype(scores.dtype)
