# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Whether 2D joints stand to each other as a joint set's names say.

A file that says nothing about its joints may hold any set with as many of
them. What people look like tells the sets apart: the middle of the hips lies
between the hips, the neck between the shoulders, the head beyond the
shoulders as seen from the hips, a shin is no longer than half a person.
"""

from typing import Callable, Dict, Iterator, List, NamedTuple, Optional, Tuple

import numpy as np

from .skeleton import Skeleton

MAX_ROWS = 600
"""Number of people that are looked at, spread evenly over a clip."""
MIN_ROWS_SHARE = 0.1
"""Share of these people whose joints have to be seen for a check to count."""
UPRIGHT = 0.12
"""Distance from hips to shoulders, as a share of the person's size, below
which the trunk points at the camera, so that nothing is above or below it."""

_HIP_MIDDLES = ('root', 'mid_hip', 'hip', 'pelvis')
_NECKS = ('thorax', 'neck', 'neck_base', 'upper_neck', 'head_bottom')
_HEAD_TOPS = ('head_top', 'top_head', 'head')
_BONES = (('hip', 'knee', .55), ('knee', 'ankle', .65), ('knee', 'foot', .65),
          ('shoulder', 'elbow', .5), ('elbow', 'wrist', .45))
_NEAR = (('ankle', 'big_toe', .2), ('ankle', 'small_toe', .2),
         ('ankle', 'heel', .15), ('ankle', 'foot_index', .2))
"""Joints of one side and how far they are apart at most."""


class _Measure:
    """Places of the joints of R people under the names of a joint set."""

    def __init__(self, keypoints: np.ndarray, scores: np.ndarray,
                 skeleton: Skeleton) -> None:
        points = np.where((scores > 0)[..., None], keypoints, np.nan)
        self.at = {joint: points[:, i] for joint, i in skeleton.index.items()}
        with np.errstate(all='ignore'):
            low = np.fmin.reduce(points, axis=1)
            high = np.fmax.reduce(points, axis=1)
        self.size = np.maximum((high - low).max(1), 1.)
        hips, shoulders = self.middle('hip'), self.middle('shoulder')
        self.hips, self.shoulders = hips, shoulders
        self.axis: Optional[np.ndarray] = None
        if hips is not None and shoulders is not None:
            axis = shoulders - hips
            length = np.linalg.norm(axis, axis=-1)
            axis[~(length > UPRIGHT * self.size)] = np.nan
            self.axis = axis

    def middle(self, joint: str) -> Optional[np.ndarray]:
        """Half-way between left and right, (R, 2)."""
        left, right = (
            self.at.get(f'{side}_{joint}') for side in ('left', 'right'))
        return None if left is None or right is None else (left + right) / 2

    def apart(self,
              one: np.ndarray,
              other: np.ndarray,
              quantile: float = .5) -> float:
        """Distance as a share of the person's size; NaN: not known."""
        return self.over_people(
            np.linalg.norm(one - other, axis=-1) / self.size, quantile)

    def height(self, point: np.ndarray) -> float:
        """Place on the line from the hips, 0, to the shoulders, 1."""
        if self.axis is None or self.hips is None:
            return np.nan
        along = ((point - self.hips) * self.axis).sum(-1)
        return self.over_people(along / (self.axis**2).sum(-1))

    def over_people(self, values: np.ndarray, quantile: float = .5) -> float:
        """A quantile, where enough people show it."""
        known = values[np.isfinite(values)]
        least = max(1, MIN_ROWS_SHARE * len(values))
        return float(np.quantile(known,
                                 quantile)) if len(known) >= least else np.nan


Check = Tuple[str, float]
"""What was looked at, and a cost: 1 is as far as people go."""


def layout_costs(keypoints: np.ndarray, scores: np.ndarray,
                 skeleton: Skeleton) -> Dict[str, float]:
    """What speaks against these being the joints of a joint set.

    Args:
        keypoints (np.ndarray): (R, J, 2) joints of people of any number of
            frames, pixels.
        scores (np.ndarray): (R, J), 0 for a joint that was not seen.
        skeleton (Skeleton): The joint set in question, J joints.

    Returns:
        dict[str, float]: Costs by what was looked at; below 1 is what people
        do. What nobody was seen well enough for is left out.
    """
    step = max(1, -(-len(keypoints) // MAX_ROWS))
    measure = _Measure(keypoints[::step].astype(np.float64), scores[::step],
                       skeleton)
    checks: List[Callable[[_Measure], Iterator[Check]]] = [
        _breadths, _bones, _middles, _heights, _faces, _feet
    ]
    return {
        name: cost
        for check in checks
        for name, cost in check(measure) if np.isfinite(cost)
    }


class Stance(NamedTuple):
    """How people are placed in the picture, medians over all of them.

    Attributes:
        from_origin: Distance of the middle of their hips from (0, 0), as a
            share of their sizes; inf where nobody's are known.
        upright: How far their shoulders are above their hips, as a share of
            their sizes, below 0 where they are upside down; NaN: not known.
    """
    from_origin: float
    upright: float


def stance(keypoints: np.ndarray, scores: np.ndarray,
           skeleton: Skeleton) -> Stance:
    """How people are placed in the picture.

    Args:
        keypoints (np.ndarray): (R, J, 2) joints of people, y down.
        scores (np.ndarray): (R, J), 0 for a joint that was not seen.
        skeleton (Skeleton): The joint set.
    """
    measure = _Measure(keypoints.astype(np.float64), scores, skeleton)
    if measure.hips is None:
        return Stance(np.inf, np.nan)
    apart = np.linalg.norm(measure.hips, axis=-1) / measure.size
    known = apart[np.isfinite(apart)]
    upright = np.nan
    if measure.shoulders is not None:
        above = (measure.hips - measure.shoulders)[:, 1] / measure.size
        upright = measure.over_people(above)
    return Stance(float(np.median(known)) if known.size else np.inf, upright)


def _breadths(measure: _Measure) -> Iterator[Check]:
    at = measure.at
    for joint, most in (('hip', .35), ('shoulder', .5)):
        if f'left_{joint}' in at and f'right_{joint}' in at:
            yield f'{joint}s together', measure.apart(
                at[f'left_{joint}'], at[f'right_{joint}']) / most
    if measure.hips is not None and measure.shoulders is not None:
        yield 'shoulders near the hips', measure.apart(measure.hips,
                                                       measure.shoulders) / .8


def _bones(measure: _Measure) -> Iterator[Check]:
    """Limbs are short, and those of both sides alike."""
    at = measure.at
    for near, far, most in _BONES:
        lengths = []
        for side in ('left', 'right'):
            ends = at.get(f'{side}_{near}'), at.get(f'{side}_{far}')
            if ends[0] is None or ends[1] is None:
                continue
            name = f'{side} {far} near the {near}'
            yield name, measure.apart(ends[0], ends[1]) / most
            lengths.append(measure.apart(ends[0], ends[1], .9))
        if len(lengths) == 2 and min(lengths) > 0:
            ratio = abs(np.log(lengths[0] / lengths[1]))
            yield f'{near} to {far} alike on both sides', ratio / np.log(4)


def _middles(measure: _Measure) -> Iterator[Check]:
    at = measure.at
    for name in _HIP_MIDDLES:
        if name in at and measure.hips is not None:
            yield f'{name} between the hips', measure.apart(
                at[name], measure.hips) / .1
    for name in ('thorax', 'neck'):
        if name in at and measure.shoulders is not None:
            yield f'{name} between the shoulders', measure.apart(
                at[name], measure.shoulders) / .15
    for name in ('spine', 'chest'):
        if (name in at and measure.hips is not None
                and measure.shoulders is not None):
            between = (measure.hips + measure.shoulders) / 2
            yield f'{name} in the middle of the back', measure.apart(
                at[name], between) / .2


def _heights(measure: _Measure) -> Iterator[Check]:
    """Along the line from hips to shoulders."""
    at = measure.at
    for name in ('nose', *_HEAD_TOPS):
        if name in at:
            yield f'{name} beyond the shoulders', 3 - 2 * measure.height(
                at[name])
    for joint, most in (('knee', .5), ('ankle', .8), ('foot', .8)):
        middle = measure.middle(joint)
        if middle is not None:
            yield f'{joint}s beyond the hips', 1 + measure.height(
                middle) - most
    bottom = next((n for n in _NECKS if n in at), None)
    if bottom is None:
        return
    heights = {name: measure.height(at[name]) for name in at}
    for top in _HEAD_TOPS:
        if top in at and top != bottom:
            yield f'{top} beyond the {bottom}', 1.15 - (heights[top] -
                                                        heights[bottom]) / .4
    if 'head_bottom' in at and 'nose' in at:
        yield 'nose beyond the head_bottom', 1.1 - (
            heights['nose'] - heights['head_bottom']) / .4


def _faces(measure: _Measure) -> Iterator[Check]:
    at = measure.at
    if 'nose' not in at:
        return
    for name, most in (('eye', .12), ('ear', .15), ('mouth', .12)):
        for side in ('left', 'right'):
            if f'{side}_{name}' in at:
                yield f'{side} {name} near the nose', measure.apart(
                    at[f'{side}_{name}'], at['nose']) / most
    if 'left_eye' in at and 'right_eye' in at:
        yield 'eyes at one height', abs(
            measure.height(at['left_eye']) -
            measure.height(at['right_eye'])) / .3


def _feet(measure: _Measure) -> Iterator[Check]:
    at = measure.at
    for near, far, most in _NEAR:
        for side in ('left', 'right'):
            ends = at.get(f'{side}_{near}'), at.get(f'{side}_{far}')
            if ends[0] is not None and ends[1] is not None:
                yield f'{side} {far} near the {near}', measure.apart(
                    ends[0], ends[1]) / most
