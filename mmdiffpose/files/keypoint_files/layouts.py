# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Find the joint set of a file: by names, else by what people look like."""

import warnings
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence

import numpy as np

from mmdiffpose.skeletons import (SKELETONS, Skeleton, get_skeleton,
                                  layout_costs, skeleton_from_names)
from mmdiffpose.skeletons.anatomy import stance

PLAUSIBLE = 1.3
"""Cost up to which people may well have the joints of a set; see
:func:`~mmdiffpose.skeletons.anatomy.layout_costs`. On mocap-mini's clips, seen
from all sides, windows of 60 frames cost at most 0.97 with any set, taken as
that set."""
GROSS = 2.
"""Cost from which on they cannot, however noisy the detector is."""
CLEAR = 1.25
"""The best set costs less than the second by this factor."""
MUCH = 1.5
"""Another set has to cost less by this factor to speak against the file."""
MIN_CHECKS = 4
"""With fewer checks that can be made nothing is decided."""

AT_ORIGIN = 0.02
"""Median distance of the middle of the hips from (0, 0), as a share of the
person's size, below which places are relative to it."""

UPSIDE_DOWN = -0.1
"""Height of the shoulders above the hips, as a share of the person's size,
below which people are upside down."""

Costs = Dict[str, float]


class Ranked(NamedTuple):
    """A joint set and what speaks against it.

    Attributes:
        cost: The largest of the costs; inf where nothing can be seen.
        skeleton: The joint set.
        worst: What costs most.
        costs: All, by what was looked at.
    """
    cost: float
    skeleton: Skeleton
    worst: str
    costs: Costs


Ranking = List[Ranked]
"""The one with the least cost first."""


def choose_layout(where: str, keypoints: np.ndarray, scores: np.ndarray,
                  asked: Optional[str], names: Optional[Sequence[str]],
                  stated: Any, usual: Mapping[int, str]) -> Skeleton:
    """The joint set of a file's people.

    The set asked for; else that of the joint names in the file; else the one
    that the file names; else, of those with this number of joints, the one
    with which the people look most like people. What the file says is compared
    with the people, too.

    Args:
        where (str): The file, for messages.
        keypoints (np.ndarray): (R, J, 2) everybody of all frames, pixels.
        scores (np.ndarray): (R, J), 0 for a joint that was not seen.
        asked (str, optional): Name of a joint set that the caller gave.
        names (Sequence[str], optional): Joint names that the file gives.
        stated: Name of a joint set that the file gives, if it does.
        usual (Mapping[int, str]): By number of joints, what the format's
            writers use.

    Raises:
        ValueError: If the name is unknown, has another number of joints, or
            contradicts the people; if no joint set fits, or several do; if
            all hips are at (0, 0), as of landmarks in space.
    """
    skeleton = _choose(where, keypoints, scores, asked, names, stated, usual)
    place = stance(keypoints, scores, skeleton)
    if place.from_origin < AT_ORIGIN:
        raise ValueError(
            f'{where}: expected keypoints in pixels of the picture, found the '
            'middle of the hips at (0, 0) in all frames, as of poses in space '
            '(world landmarks), which are relative to it')
    if place.upright < UPSIDE_DOWN:
        warnings.warn(f'{where}: people are upside down in most frames; if '
                      'they are not, y counts upwards, or the video was not '
                      'rotated: expected y from the top of the picture down')
    return skeleton


def _choose(where: str, keypoints: np.ndarray, scores: np.ndarray,
            asked: Optional[str], names: Optional[Sequence[str]], stated: Any,
            usual: Mapping[int, str]) -> Skeleton:
    count = keypoints.shape[1]
    if asked is not None:
        return _of_count(where, _named(where, asked), count)
    known = [s for s in SKELETONS.values() if s.num_joints == count]
    said = None
    if names is not None:
        if len(names) != count:
            raise ValueError(f'{where}: names {len(names)} joints, but has '
                             f'{count} of each person')
        try:
            said = skeleton_from_names(names, str(stated or 'of the file'))
        except ValueError as error:
            raise ValueError(
                f'{where}: {error}; if the joints stand in the '
                f'order of a known set, say so: {how_to(count)}') from error
    elif stated is not None:
        if not isinstance(stated, str) or stated not in SKELETONS:
            raise ValueError(
                f'{where}: says its joints are those of {stated!r}, which is '
                f'none of {sorted(SKELETONS)}, and does not name them; '
                f'{how_to(count)}')
        said = _of_count(where, SKELETONS[stated], count)
    if said is not None:
        _check_said(where, said, rank(keypoints, scores, [said]),
                    rank(keypoints, scores, known), names is not None)
        return said
    if not known:
        raise ValueError(f'{where}: found {count} joints, which no known '
                         f'joint set has: {_counts()}')
    return _by_anatomy(where, rank(keypoints, scores, known), usual.get(count))


def rank(keypoints: np.ndarray, scores: np.ndarray,
         candidates: Sequence[Skeleton]) -> Ranking:
    """Joint sets by what speaks against them; inf: nothing to check."""
    found: Ranking = []
    for skeleton in candidates:
        costs = layout_costs(keypoints, scores, skeleton)
        if len(costs) < MIN_CHECKS:
            found.append(Ranked(np.inf, skeleton, 'too little was seen', {}))
        else:
            worst = max(costs, key=lambda name: costs[name])
            found.append(Ranked(costs[worst], skeleton, worst, costs))
    return sorted(found, key=lambda entry: entry[0])


def how_to(count: Optional[int], likely: Optional[str] = None) -> str:
    """How a caller says the joint set; ``likely`` is the one that fits."""
    fitting = sorted(n for n, s in SKELETONS.items() if s.num_joints == count)
    if not fitting:
        return f'known joint sets are {_counts()}'
    likely = likely or fitting[0]
    return (f"say which it is of {fitting}: skeleton='{likely}', on the "
            f'command line --skeleton {likely}')


def _counts() -> str:
    return str({name: s.num_joints for name, s in sorted(SKELETONS.items())})


def _named(where: str, name: str) -> Skeleton:
    try:
        return get_skeleton(name)
    except (TypeError, ValueError) as error:
        raise ValueError(f'{where}: {error}') from None


def _of_count(where: str, skeleton: Skeleton, count: int) -> Skeleton:
    if skeleton.num_joints != count:
        raise ValueError(
            f'{where}: expected {skeleton.num_joints} joints (skeleton '
            f'{skeleton.name}), found {count}; {how_to(count)}')
    return skeleton


def _check_said(where: str, said: Skeleton, own: Ranking, others: Ranking,
                by_names: bool) -> None:
    """Hold what a file says of its joints against the people."""
    cost, worst = own[0].cost, own[0].worst
    if not 1. < cost < np.inf:
        return
    what = 'its joints\' names' if by_names else f"'{said.name}'"
    misfit = (f'{where}: the people do not fit {what} (expected {worst}, '
              'found otherwise)')
    better = [
        other.skeleton.name for other in others
        if other.cost <= min(PLAUSIBLE, cost /
                             MUCH) and other.skeleton.joints != said.joints
    ]
    if better:
        raise ValueError(f'{misfit}, but the joints of {better}; '
                         f'{how_to(said.num_joints, better[0])}')
    if cost > GROSS:
        warnings.warn(f"{misfit}; check the joints' order")


def _by_anatomy(where: str, ranking: Ranking,
                usual: Optional[str]) -> Skeleton:
    """The set with which the people look most like people."""
    names = [entry.skeleton.name for entry in ranking]
    count = ranking[0].skeleton.num_joints
    seen = [entry for entry in ranking if np.isfinite(entry.cost)]
    if not seen:
        if usual is None and len(names) > 1:
            raise ValueError(
                f'{where}: {count} joints may be those of {names}, and too '
                f'little was seen to tell which; {how_to(count)}')
        chosen = get_skeleton(usual or names[0])
        warnings.warn(f'{where}: {count} joints are taken as those of '
                      f'{chosen.name}; too little was seen to check that')
        return chosen
    first = seen[0]
    for entry in seen[1:]:
        if _against(entry, first) < _against(first, entry):
            first = entry
    cost, best, worst, _ = first
    # The format's own joint set may be right, and only badly seen.
    limit = GROSS if usual == best.name or len(names) == 1 else PLAUSIBLE
    if cost > limit:
        raise ValueError(
            f'{where}: expected {count} joints in the order of one of '
            f'{names}, but the people fit none of them (as {best.name}: '
            f'expected {worst}, found otherwise); if the order is one of them '
            f'all the same, {how_to(count)}')
    near = []
    for entry in seen:
        own, other = _against(first, entry), _against(entry, first)
        prior = 1.1 * own if usual == best.name else max(1., CLEAR * own)
        if entry is not first and other < min(prior, max(1., CLEAR * own)):
            near.append(entry.skeleton.name)
    if near:
        raise ValueError(f'{where}: {count} joints may be those of any of '
                         f'{[best.name, *near]}, which the people fit alike; '
                         f'{how_to(count)}')
    if usual is not None and best.name != usual:
        warnings.warn(f'{where}: {count} joints are taken as those of '
                      f'{best.name}, which the people fit, not as the usual '
                      f'{usual}')
    return best


def _against(one: Ranked, other: Ranked) -> float:
    """The largest cost of a set that another one does not have as well.

    Sets that share limbs share what a strange pose costs; it tells nothing
    of which of them it is.
    """
    return max(
        (cost
         for name, cost in one.costs.items() if other.costs.get(name) != cost),
        default=0.)
