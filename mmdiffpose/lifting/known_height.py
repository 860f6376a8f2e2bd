# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Lifted people at their known height.

One camera cannot tell a tall person from a short one who is nearer. A lifter
guesses a usual size, so that somebody who is a tenth taller than it guessed
comes out a tenth too small and too near. Who knows a person's height, standing
and without shoes, can say it: everything of that person is then scaled about
the camera, which changes no picture.
"""

from dataclasses import replace
from typing import Dict, List, Mapping, NamedTuple, Sequence, Union

import numpy as np

from mmdiffpose.skeletons import H36M_17
from mmdiffpose.skeletons.limb_lengths import LENGTHS, stature_shares
from mmdiffpose.skeletons.mocap_sets import h36m_places
from mmdiffpose.structures.lifted_track import LiftedTrack
from mmdiffpose.structures.option_checks import check_height
from mmdiffpose.structures.people import Lifted, as_list, by_person

Heights = Union[float, Mapping[int, float]]
"""One person's height, metres, or several people's by their track ids."""

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
    poses = np.concatenate([t.keypoints_3d[:, places] for t in tracks])
    seen = np.concatenate([t.scores[:, places] > 0 for t in tracks])
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

    Poses, std, covariance, hypotheses and the root's trajectory are
    multiplied by one number for each person, height over
    :func:`measure_height`. Directions, joint angles and where joints lie in
    the picture stay. Results say so: ``height`` and ``scaled_by`` of
    :class:`~mmdiffpose.structures.lifted_track.LiftedTrack`.

    Args:
        lifted (LiftedTrack | sequence[LiftedTrack]): The people of one video;
            several tracks with one ``track_id`` are pieces of one person's.
        height (float | Mapping[int, float]): Metres, standing without shoes:
            of the only person, or by track id; others stay as they are.

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
    factors: Dict[int, float] = {}
    for number, metres in wanted.items():
        measured = measure_height(people[number])
        if measured.seen < LEAST_SEEN:
            raise ValueError(
                f'person {number}: the height of {metres:g} m is of no use, '
                f'because only {100 * measured.seen:.0f} % of the way from '
                f'ankle to ear was seen, expected {100 * LEAST_SEEN:.0f} %')
        factors[number] = metres / measured.metres
    scaled: Dict[int, LiftedTrack] = {}
    for number, factor in factors.items():
        for track in people[number]:
            scaled[id(track)] = replace(
                track.scaled(factor), height=wanted[number])
    return [scaled.get(id(track), track) for track in tracks]


def check_heights(height: Heights) -> None:
    """Check one height, or several by track id.

    Raises:
        ValueError: If there is none, or one that nobody has.
    """
    if not isinstance(height, Mapping):
        check_height('height', height)
        return
    if not height:
        raise ValueError('height: expected metres by track id, found none')
    for number, metres in height.items():
        check_height(f'height of person {number}', metres)


def _by_person(height: Heights, found: Sequence[int]) -> Mapping[int, float]:
    """Heights by person's number."""
    if isinstance(height, Mapping):
        unknown = sorted(set(height) - set(found))
        if unknown:
            raise ValueError(f'height: there is nobody with the track ids '
                             f'{unknown}, found {sorted(found)}')
        return {number: float(metres) for number, metres in height.items()}
    if len(found) > 1:
        raise ValueError(
            f"height: {height:g} m is one person's, found {len(found)} with "
            f'the track ids {sorted(found)}: say whose it is, '
            f'{{{found[0]}: {height:g}}} (--height {found[0]}={height:g}), or '
            'lift that person alone (track_ids=, --track-id)')
    return {found[0]: float(height)}
