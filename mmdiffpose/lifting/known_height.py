# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Lifted people at their known height.

One camera cannot tell a tall person from a short one who is nearer. A lifter
guesses a usual size, so that somebody who is a tenth taller than it guessed
comes out a tenth too small and too near. Who knows a person's height, standing
and without shoes, can say it: everything of that person is then scaled about
the camera, which changes no picture.
"""

from dataclasses import replace
from typing import (Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple,
                    Union)

import numpy as np

from mmdiffpose.skeletons import H36M_17
from mmdiffpose.skeletons.limb_lengths import LENGTHS, stature_shares
from mmdiffpose.skeletons.mocap_sets import h36m_places
from mmdiffpose.structures.axes import LIFTER
from mmdiffpose.structures.lifted_track import LiftedTrack
from mmdiffpose.structures.option_checks import check_height, check_height_std
from mmdiffpose.structures.people import Lifted, as_list, by_person
from .size_spread import at_known_size, size_std, spread_heights

Height = Union[float, Tuple[float, float]]
"""Metres, or metres and the standard deviation of what is known, metres."""
Heights = Union[Height, Mapping[int, Height]]
"""One person's height, or several people's by their track ids."""
Spread = Tuple[np.ndarray, np.ndarray]
"""Variances and squared means, square metres."""

LEAST_SEEN = .4
"""Share of the way from ankle to ear whose joints have to be seen: legs are
53 % of it, trunk and head 47."""


class MeasuredHeight(NamedTuple):
    """How tall a lifted person is.

    Attributes:
        metres: The height, standing.
        seen: Share of the way from ankle to ear whose joints were seen.
    """
    metres: float
    seen: float


def measure_height(lifted: Lifted) -> MeasuredHeight:
    """How tall one lifted person would be, standing.

    Thigh, shin, spine (two pieces), neck and head, each the median over the
    frames in which both its ends were seen, left and right averaged, over
    their share of an adult's height: 0.90 all together, as ANSUR II's men and
    women are (:func:`~mmdiffpose.skeletons.limb_lengths.stature_shares`).
    Bodies differ from that by some 2 %, nearly all of it because skeletons do
    not put hips and shoulders in one place; children by another percent.

    Args:
        lifted (LiftedTrack | sequence[LiftedTrack]): The pieces of one
            person's track.

    Returns:
        MeasuredHeight: NaN metres if none of these bones was seen.

    Raises:
        ValueError: If the joints are not Human3.6M's, under whatever names.
    """
    tracks = as_list(lifted)
    places = h36m_places(tracks[0].skeleton)
    if places is None:
        raise ValueError(
            'a known height takes the joints from ankle to head of '
            f'Human3.6M, found a lifter of {list(tracks[0].skeleton.joints)}')
    return _measure(
        np.concatenate([t.keypoints_3d[:, places] for t in tracks]),
        _seen(tracks, places))


def _seen(tracks: Sequence[LiftedTrack], places: Sequence[int]) -> np.ndarray:
    """Which joints were seen, (F, 17), in Human3.6M's order."""
    return np.concatenate([t.scores[:, places] > 0 for t in tracks])


def _measure(poses: np.ndarray, seen: np.ndarray) -> MeasuredHeight:
    """The height of poses (F, 17, 3) whose joints were seen, (F, 17)."""
    shares = stature_shares()
    found: Dict[str, float] = {}
    for name in shares:
        sides = []
        for joint in LENGTHS[name]:
            far = H36M_17.index[joint]
            near = H36M_17.parents[far]
            both = seen[:, far] & seen[:, near]
            if both.any():
                bone = poses[both, far] - poses[both, near]
                sides.append(np.median(np.linalg.norm(bone, axis=-1)))
        if sides:
            found[name] = float(np.mean(sides))
    known = sum(shares[name] for name in found)
    if not known:
        return MeasuredHeight(float('nan'), 0.)
    return MeasuredHeight(
        sum(found.values()) / known, known / sum(shares.values()))


def scale_to_height(lifted: Lifted, height: Heights) -> List[LiftedTrack]:
    """Lifted people, scaled so that they are as tall as they are known to be.

    Poses and the root's trajectory are multiplied by one number for each
    person, height over :func:`measure_height`: directions, joint angles and
    where joints lie in the picture stay. So do scores.

    Each hypothesis gets a number of its own, by which it is as tall: what
    they held of the size, which is known now, is gone. Of the std and the
    covariance, which are multiplied, too, what was unsure of the size is
    taken away (:mod:`~mmdiffpose.lifting.size_spread`); of a model without
    hypotheses, or with one, it cannot be told from the rest and stays.

    A height may be unsure: (1.69, .1) is that of an adult. Its standard
    deviation then is in the std and the covariance, and hypotheses get
    heights that differ by it.

    Results say so: ``height``, ``height_std``, ``size_std`` and ``scaled_by``
    of :class:`~mmdiffpose.structures.lifted_track.LiftedTrack`.

    Args:
        lifted (LiftedTrack | sequence[LiftedTrack]): The people of one video;
            several tracks with one ``track_id`` are pieces of one person's.
        height (float | tuple[float, float] | Mapping): Metres, standing
            without shoes, or metres and their standard deviation: of the only
            person, or by track id; others stay as they are.

    Returns:
        list[LiftedTrack]: In the order of the tracks.

    Raises:
        ValueError: For a height that nobody has, one height for several
            people, a track id that nobody has, joints that are not
            Human3.6M's, or a person of whom neither legs nor trunk and head
            were seen.
    """
    tracks = as_list(lifted)
    check_heights(height)
    people = by_person(tracks)
    wanted = _by_person(height, list(people))
    for number, (metres, _) in wanted.items():
        seen = measure_height(people[number]).seen
        if seen < LEAST_SEEN:
            raise ValueError(
                f'person {number}: the height of {metres:g} m is of no use, '
                f'because only {100 * seen:.0f} % of the way from ankle to '
                f'ear was seen, expected {100 * LEAST_SEEN:.0f} %')
    scaled: Dict[int, LiftedTrack] = {}
    for number, (metres, std) in wanted.items():
        pieces = people[number]
        for track, at_height in zip(pieces, _at_height(pieces, metres, std)):
            scaled[id(track)] = at_height
    return [scaled.get(id(track), track) for track in tracks]


def _at_height(tracks: Sequence[LiftedTrack], metres: float,
               std: float) -> List[LiftedTrack]:
    """The pieces of one person's track at a height."""
    heights = _hypotheses_heights(tracks)
    spreads = [_variances(track) for track in tracks]
    told = [spread for spread in spreads if spread is not None]
    believed = size_std(told, heights) if told else 0.
    if tracks[0].height is not None:
        # Whatever was believed, this is what is left of it.
        believed = (tracks[0].height_std or 0.) / tracks[0].height
    factor = metres / measure_height(tracks).metres
    each = spread_heights(heights, metres, std) / heights
    found = []
    for track, spread in zip(tracks, spreads):
        hypotheses = track.hypotheses
        if hypotheses is not None and len(each):
            # Of what follows by the factor of all.
            hypotheses = hypotheses * (each / factor).astype(
                hypotheses.dtype)[:, None, None]
        at_size = replace(
            _at_size(track, spread, believed, std / metres),
            hypotheses=hypotheses)
        found.append(
            replace(
                at_size.scaled(factor),
                height=metres,
                height_std=std,
                size_std=believed))
    return found


def _hypotheses_heights(tracks: Sequence[LiftedTrack]) -> np.ndarray:
    """Heights of one person's hypotheses, (N, ), metres; none where a piece
    has none, or others."""
    hypotheses = [t.hypotheses for t in tracks if t.hypotheses is not None]
    if len({h.shape[1]
            for h in hypotheses}) != 1 or (len(hypotheses) < len(tracks)):
        return np.empty(0)
    places = h36m_places(tracks[0].skeleton)
    assert places is not None  # or the person could not have been measured
    seen = _seen(tracks, places)
    return np.array([
        _measure(
            np.concatenate([h[:, n][:, places]
                            for h in hypotheses]), seen).metres
        for n in range(hypotheses[0].shape[1])
    ])


def _variances(track: LiftedTrack) -> Optional[Spread]:
    """Variances along the axes of the lifter's view and squares of the poses
    there, (F, J, 3) each; (F, J, 1) and the mean over axes of a model that
    does not tell them apart; None of one that says neither."""
    if track.covariance is None:
        if track.std is None:
            return None
        square = np.square(
            track.keypoints_3d, dtype=float).mean(
                -1, keepdims=True)
        return np.square(track.std, dtype=float)[..., None], square
    seen = replace(
        track, hypotheses=None, root_trajectory=None).in_axes(LIFTER)
    assert seen.covariance is not None
    variance = np.diagonal(seen.covariance, axis1=-2, axis2=-1)
    return variance.astype(float), np.square(seen.keypoints_3d, dtype=float)


def _at_size(track: LiftedTrack, spread: Optional[Spread], believed: float,
             known: float) -> LiftedTrack:
    """A piece whose std and covariance hold another std of log size."""
    if spread is None:
        return track
    variance, square = spread
    ratio = at_known_size(variance, square, believed, known)
    std, covariance = track.std, track.covariance
    if std is not None:
        total = variance.sum(-1)
        growth = np.divide(
            (variance * ratio).sum(-1),
            total,
            out=np.ones_like(total),
            where=total > 0)
        std = (std * np.sqrt(growth)).astype(std.dtype)
    if covariance is not None:
        seen = replace(
            track, hypotheses=None, root_trajectory=None).in_axes(LIFTER)
        assert seen.covariance is not None
        root = np.sqrt(ratio)
        covariance = replace(
            seen,
            covariance=(seen.covariance * root[..., None] *
                        root[..., None, :]).astype(covariance.dtype)).in_axes(
                            track.axes).covariance
    return replace(track, std=std, covariance=covariance)


def check_heights(height: Heights) -> None:
    """Check one height, or several by track id.

    Raises:
        ValueError: If there is none, or one that nobody has.
    """
    if not isinstance(height, Mapping):
        _height_and_std('height', height)
        return
    if not height:
        raise ValueError('height: expected metres by track id, found none')
    for number, known in height.items():
        _height_and_std(f'height of person {number}', known)


def _height_and_std(name: str, known: Height) -> Tuple[float, float]:
    """Metres and their standard deviation, checked."""
    both = known if isinstance(known, (tuple, list)) else (known, 0.)
    if len(both) != 2:
        raise ValueError(f'{name} should be metres, or metres and their '
                         f'standard deviation, got {known!r}')
    metres, std = both
    check_height(name, metres)
    check_height_std(f'standard deviation of the {name}', std, metres)
    return float(metres), float(std)


def _by_person(height: Heights,
               found: Sequence[int]) -> Mapping[int, Tuple[float, float]]:
    """Heights and their standard deviations by person's number."""
    if isinstance(height, Mapping):
        unknown = sorted(set(height) - set(found))
        if unknown:
            raise ValueError(f'height: there is nobody with the track ids '
                             f'{unknown}, found {sorted(found)}')
        return {
            number: _height_and_std('height', known)
            for number, known in height.items()
        }
    metres, std = _height_and_std('height', height)
    if len(found) > 1:
        raise ValueError(
            f"height: {metres:g} m is one person's, found {len(found)} with "
            f'the track ids {sorted(found)}: say whose it is, '
            f'{{{found[0]}: {metres:g}}} (--height {found[0]}={metres:g}), or '
            'lift that person alone (track_ids=, --track-id)')
    return {found[0]: (metres, std)}
