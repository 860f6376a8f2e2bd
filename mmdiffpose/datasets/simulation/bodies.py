# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Other people's bodies for a motion.

A body is ten lengths between Human3.6M-17 joints, the same on both sides
(:data:`~mmdiffpose.skeletons.limb_lengths.LENGTHS`). :class:`BodySampler`
draws them from what ANSUR II measured on 6,068 adults; :func:`rebone` gives
them to a motion.
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Mapping, Optional, Tuple

import numpy as np

from mmdiffpose.skeletons import H36M_17
from mmdiffpose.skeletons.limb_lengths import (LENGTHS, PLACEMENT,
                                               load_limb_table)

CHILD_GROWTH: Mapping[str, float] = MappingProxyType({
    'hip': 1.0,
    'thigh': 1.15,
    'shin': 1.15,
    'lower_spine': 1.0,
    'upper_spine': 1.0,
    'neck': 0.8,
    'head': 0.4,
    'shoulder': 1.0,
    'upper_arm': 1.1,
    'forearm': 1.1,
})
"""Growth exponents b: a child of the fraction s of the adult's stature has
s ** b of the adult's lengths. They follow rounded landmarks of growth: sitting
height is 58 % of stature at two years, 54.5 % at six, 52 % in adults
(Fredriks et al., Arch. Dis. Child. 90, 2005), a head is a fifth, a sixth and
a seventh to an eighth of it. Half the stature is about two years, 0.7 six,
0.9 thirteen."""

_CLIP = 3.
"""Standard deviations at which a draw is cut."""

_NO_LENGTH = 1e-6
"""Metres below which a bone has no direction."""

_BONES = tuple(H36M_17.bones)
_PARENTS = [parent for parent, _ in _BONES]
_CHILDREN = [child for _, child in _BONES]
_NAME_OF = {
    joint: place
    for place, joints in enumerate(LENGTHS.values())
    for joint in joints
}
_LENGTH_OF_BONE = [_NAME_OF[H36M_17.joints[child]] for child in _CHILDREN]
_LEG_BONES = [
    _CHILDREN.index(H36M_17.index[joint]) for name in ('thigh', 'shin')
    for joint in LENGTHS[name]
]
_THIGH, _SHIN = list(LENGTHS).index('thigh'), list(LENGTHS).index('shin')


@dataclass(frozen=True)
class BodySampler:
    """Draws bodies: men, women, children, and people of unusual size.

    A person's log lengths are normal with the mean and the covariance of the
    sex, cut at three standard deviations of each component. Joint placement
    (``PLACEMENT``) moves them from anatomical joint centres towards those
    of motion capture skeletons, by a share that is drawn for each person.
    Some people are then made children (:data:`CHILD_GROWTH`), and some are
    scaled as a whole.

    Args:
        women: Share of women.
        spread: Multiplies the deviations from ANSUR's mean; 0 draws the two
            mean bodies.
        placement: Multiplies the joint placement; 0 keeps to anatomy.
        children: Share of children.
        child_stature: Range of a child's stature, in adult statures.
        scaled: Share of people who are scaled as a whole.
        scale: Range of that scale.

    Raises:
        ValueError: If a share is outside 0 to 1, a range is not two
            increasing positive numbers, or ``spread`` or ``placement`` is
            negative.
    """
    women: float = 0.5
    spread: float = 1.
    placement: float = 1.
    children: float = 0.1
    child_stature: Tuple[float, float] = (0.5, 0.9)
    scaled: float = 0.2
    scale: Tuple[float, float] = (0.75, 1.25)

    def __post_init__(self) -> None:
        for name in ('women', 'children', 'scaled'):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f'{name} is a share from 0 to 1, got '
                                 f'{getattr(self, name)}')
        for name in ('child_stature', 'scale'):
            low, high = getattr(self, name)
            if not 0 < low <= high:
                raise ValueError(f'{name} must be two increasing positive '
                                 f'numbers, got {getattr(self, name)}')
        for name in ('spread', 'placement'):
            if not getattr(self, name) >= 0:
                raise ValueError(
                    f'{name} must not be negative, got {getattr(self, name)}')

    def draw(self,
             rng: np.random.Generator,
             count: Optional[int] = None) -> np.ndarray:
        """Draw bodies.

        Args:
            rng: Source of randomness. Bodies of one call follow each other
                in it, so that fewer bodies are not a beginning of more.
            count: How many; ``None`` for one body without the leading axis.

        Returns:
            Lengths in metres (count, 10) or (10,), float64, in the order of
            ``LENGTHS``.
        """
        number = 1 if count is None else count
        width = len(LENGTHS)
        uniform = rng.random((number, 6))
        normal = rng.standard_normal((number, 2, width))
        normal = np.clip(normal, -_CLIP, _CLIP)
        tables = load_limb_table()
        is_woman = uniform[:, 0] < self.women
        logs = np.empty((number, width))
        for sex, chosen in (('women', is_woman), ('men', ~is_woman)):
            table = tables[sex]
            deviation = normal[chosen, 0] @ table.factor.T
            logs[chosen] = table.mean + self.spread * deviation
        mean, std = np.array(list(PLACEMENT.values())).T
        logs += self.placement * (uniform[:, 1:2] * mean + normal[:, 1] * std)
        stature = _between(self.child_stature, uniform[:, 3])
        stature[uniform[:, 2] >= self.children] = 1
        growth = np.array(list(CHILD_GROWTH.values()))
        logs += np.log(stature)[:, None] * growth
        scale = _between(self.scale, uniform[:, 5])
        scale[uniform[:, 4] >= self.scaled] = 1
        lengths = np.exp(logs + np.log(scale)[:, None])
        return lengths[0] if count is None else lengths


def measure_lengths(positions: np.ndarray) -> np.ndarray:
    """The lengths of the body that a motion shows.

    Args:
        positions: Human3.6M-17 joints (..., F, 17, 3), any axes.

    Returns:
        (..., 10) in the order of ``LENGTHS``, in the unit of the input;
        the mean over frames, and over both sides where there are two.
    """
    bones = positions[..., _CHILDREN, :] - positions[..., _PARENTS, :]
    norms = np.linalg.norm(bones, axis=-1).mean(axis=-2)
    places = np.array(_LENGTH_OF_BONE)
    return np.stack([
        norms[..., places == place].mean(axis=-1)
        for place in range(len(LENGTHS))
    ], -1)


def rebone(positions: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Give a motion to another body.

    The direction of every bone stays. The lowest joint of each frame stays
    at its height, so that whatever stands, kneels or lies on the ground still
    does. The root's path over the ground is scaled about its middle by the
    ratio of the leg lengths: where thighs and shins change alike, a foot that
    stood still stands still.

    Args:
        positions: Human3.6M-17 joints (..., F, 17, 3), metres, y up.
        lengths: Lengths (..., 10) of the new bodies, metres, in the order of
            ``LENGTHS``; leading axes broadcast with those of
            ``positions``.

    Returns:
        Joints (..., F, 17, 3) in the floating-point type of ``positions``. A
        bone without length in the source has no direction and stays without.

    Raises:
        ValueError: If a shape does not fit, or a length is not positive.
    """
    if positions.shape[-2:] != (H36M_17.num_joints, 3) or positions.ndim < 3:
        raise ValueError('positions must be (..., F, 17, 3), found '
                         f'{positions.shape}')
    if not np.issubdtype(positions.dtype, np.floating):
        raise ValueError('positions must be floating-point metres, found '
                         f'{positions.dtype}')
    lengths = np.asarray(lengths, positions.dtype)
    if lengths.shape[-1:] != (len(LENGTHS), ):
        raise ValueError(f'lengths must be (..., {len(LENGTHS)}), found '
                         f'{lengths.shape}')
    if not (lengths > 0).all():
        raise ValueError('lengths must be positive, found '
                         f'{lengths[~(lengths > 0)][:3]}')
    bones = positions[..., _CHILDREN, :] - positions[..., _PARENTS, :]
    norms = _norms(bones)
    has_length = norms > _NO_LENGTH
    wanted = np.where(has_length, lengths[..., None, _LENGTH_OF_BONE], 0)
    factors = wanted / np.where(has_length, norms, 1)
    legs = np.ascontiguousarray(norms[..., _LEG_BONES].mean(axis=-1)).mean(-1)
    new_legs = (lengths[..., _THIGH] + lengths[..., _SHIN]) / 2
    # Without legs there is nothing to scale a path by.
    ratio = np.where(legs > _NO_LENGTH,
                     new_legs / np.maximum(legs, _NO_LENGTH), 1)
    return _assemble(positions, bones * factors[..., None], ratio)


def _norms(vectors: np.ndarray) -> np.ndarray:
    """Lengths (...) of vectors (..., 3).

    Component by component: a sum over so short an axis is slower, and
    rounded otherwise in a batch of another size.
    """
    x, y, z = np.moveaxis(vectors, -1, 0)
    return np.sqrt(x * x + y * y + z * z)


def _assemble(positions: np.ndarray, bones: np.ndarray,
              ratio: np.ndarray) -> np.ndarray:
    """Joints of new bones (..., F, 16, 3), set on the ground.

    Args:
        positions: The motion whose path and heights are kept,
            (..., F, 17, 3).
        bones: Vectors from the near to the far joints, (..., F, 16, 3).
        ratio: Scale of the path over the ground, (...).
    """
    result = np.zeros(bones.shape[:-2] + positions.shape[-2:], bones.dtype)
    for bone, (parent, child) in enumerate(_BONES):
        np.add(
            result[..., parent, :],
            bones[..., bone, :],
            out=result[..., child, :])
    root = positions[..., H36M_17.root, :]
    middle = root.mean(axis=-2, keepdims=True)
    path = middle + ratio[..., None, None] * (root - middle)
    path[..., 1] = positions[..., 1].min(axis=-1) - result[..., 1].min(axis=-1)
    result += path[..., None, :]
    return result


def _between(limits: Tuple[float, float], share: np.ndarray) -> np.ndarray:
    """The value at each share of the way between two limits."""
    low, high = limits
    return low + (high - low) * share
