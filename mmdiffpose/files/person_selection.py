# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Tell people apart in detections that hold several, or pick one."""

import warnings
from dataclasses import dataclass
from typing import Dict, List, NamedTuple, Optional, Set

import numpy as np

MAX_JUMP = 0.5
"""Without track ids, a person may move by this share of their size from one
frame to the next; what is farther away is somebody else."""
WALK = 0.03
"""By so much more for each frame in which nobody was seen: people walk some
1.4 m a second, 0.8 of their size."""
MAX_REACH = 1.
"""And never by more than this: whoever comes from farther is a passer-by."""
MAX_GROWTH = 1.6
"""Factor by which somebody may be larger or smaller after a gap."""
SIZE_MEMORY = 0.97
"""A person of whom little is seen is as large as before, less this much a
frame."""
MAX_LOST = 15
"""Among others, somebody lost for more frames is a new person."""

JUMPING = 0.2
"""Share of the steps from frame to frame in which people with track ids move
farther than people do, from which on the ids are doubted."""
PASSING = 0.5
"""Share of ids among sightings from which on they are doubted: such ids number
detections, not people."""


@dataclass
class Person:
    """One detected person in one frame.

    Attributes:
        keypoints: (J, 2), pixels.
        scores: (J, ), 0 for a joint that was not seen.
        track_id: The detector's name for the person, if it gave one.
    """
    keypoints: np.ndarray
    scores: np.ndarray
    track_id: Optional[int] = None

    @property
    def size(self) -> float:
        """Longer side of the box around the joints seen, pixels."""
        seen = self.keypoints[self.scores > 0]
        return float(np.ptp(seen, axis=0).max()) if len(seen) else 0.


class _Seen(NamedTuple):
    """Somebody's last sighting."""
    frame: int
    person: Person
    size: float
    """Pixels, of the whole person."""


Frames = Dict[int, List[Person]]
"""Frame id to the persons in that frame."""


def select_person(frames: Frames,
                  track_id: Optional[int],
                  source: str,
                  step: int = 1) -> Dict[int, Person]:
    """One person's detections, by frame id.

    The person asked for, else the one who is largest and longest in the
    picture. Without track ids people are numbered as by
    :func:`people_by_id`.

    Args:
        frames (dict[int, list[Person]]): All detections.
        track_id (int, optional): The person wanted.
        source (str): Name of the file, for messages.
        step (int): From one frame id to the next.

    Returns:
        dict[int, Person]: Frames without the person are left out.

    Raises:
        ValueError: If nobody was detected in any frame, nobody has a joint
            that was seen, or ``track_id`` is not in the file.
    """
    people = people_by_id(frames, source, step)
    named = any(
        p.track_id is not None for p in next(iter(people.values())).values())
    if track_id is not None:
        if track_id not in people:
            if named:
                raise ValueError(f'{source}: expected a person with track id '
                                 f'{track_id}, found {sorted(people)}')
            raise ValueError(f'{source} names nobody: expected a number of '
                             f'{sorted(people)} as track id, found {track_id}')
        return people[track_id]
    extent = {
        key: sum(person.size for person in persons.values())
        for key, persons in people.items()
    }
    chosen = max(extent, key=lambda key: extent[key])
    if len(people) > 1:
        others = sorted(set(people) - {chosen})
        if named:
            warnings.warn(f'{source} has {len(people)} persons: taking track '
                          f'{chosen}, the largest; others are {others}')
        else:
            warnings.warn(
                f'{source} has no track ids: of the {len(people)} persons who '
                'can be followed, the largest and longest is taken, number '
                f'{chosen}; others are {others}')
    return people[chosen]


def people_by_id(frames: Frames,
                 source: str,
                 step: int = 1) -> Dict[int, Dict[int, Person]]:
    """Everybody's detections, by track id and frame id.

    Where somebody has no track id all are ignored, and people are followed
    from frame to frame by where they are: the nearest goes on, and whoever is
    farther away than people walk, or of another size, is somebody else. Among
    others, somebody lost for more than :data:`MAX_LOST` frames is a new
    person.

    Args:
        frames (dict[int, list[Person]]): All detections.
        source (str): Name of the file, for messages.
        step (int): From one frame id to the next.

    Returns:
        dict[int, dict[int, Person]]: Those of whom a joint was seen.

    Raises:
        ValueError: If there is nobody, or two have one id in a frame.
    """
    found = {frame: people for frame, people in frames.items() if people}
    if not found:
        raise ValueError(f'{source} is empty: expected at least one person, '
                         f'found none in {len(frames)} frames')
    ids = _ids(found)
    if None not in ids:
        people = {
            key: _by_track_id(found, key, source)
            for key in ids if key is not None
        }
    else:
        people = _linked(found, step)
    seen = {
        key: persons
        for key, persons in people.items()
        if any(person.scores.any() for person in persons.values())
    }
    if not seen:
        raise ValueError(f'{source}: no joint was seen in any frame (all '
                         'scores are 0), there is nothing to lift')
    return seen


def ids_name_nobody(frames: Frames, step: int = 1) -> bool:
    """Whether track ids are numbers of detections, and not of people.

    They are if with them people jump about, or hardly anybody is there
    twice, and following people by where they are finds no more of them.

    Args:
        frames (dict[int, list[Person]]): All detections.
        step (int): From one frame id to the next.
    """
    found = {frame: people for frame, people in frames.items() if people}
    ids = _ids(found)
    if None in ids or len(found) < 3:
        return False
    sightings = sum(map(len, found.values()))
    last: Dict[int, _Seen] = {}
    steps = jumps = 0
    for frame in sorted(found):
        for person in found[frame]:
            assert person.track_id is not None
            before = last.get(person.track_id)
            if before is not None and frame - before.frame == step:
                steps += 1
                jumps += _distance(before, person) > MAX_JUMP
            last[person.track_id] = _Seen(frame, person, person.size)
    doubted = jumps >= 3 and jumps > JUMPING * steps
    doubted |= len(ids) > PASSING * sightings
    return doubted and len(_linked(found, step)) <= min(
        len(ids), PASSING * sightings)


def _ids(frames: Frames) -> Set[Optional[int]]:
    return {p.track_id for people in frames.values() for p in people}


def _linked(frames: Frames, step: int) -> Dict[int, Dict[int, Person]]:
    """People numbered in order of appearance, nearest pairs first."""
    crowded = max(map(len, frames.values())) > 1
    people: Dict[int, Dict[int, Person]] = {}
    last: Dict[int, _Seen] = {}
    for frame in sorted(frames):
        if crowded:
            last = {
                key: seen
                for key, seen in last.items()
                if (frame - seen.frame) // step - 1 <= MAX_LOST
            }
        waiting = [person for person in frames[frame] if person.scores.any()]
        pairs = sorted((_distance(seen, other), key, i)
                       for key, seen in last.items()
                       for i, other in enumerate(waiting)
                       if _may_be(seen, other, frame, step))
        owner: Dict[int, int] = {}
        for _, key, i in pairs:
            if i not in owner and key not in owner.values():
                owner[i] = key
        for i, person in enumerate(waiting):
            key = owner.get(i, len(people))
            people.setdefault(key, {})[frame] = person
            known = last[key].size if key in last else 0.
            last[key] = _Seen(frame, person,
                              max(person.size, SIZE_MEMORY * known))
    return people


def _may_be(seen: _Seen, other: Person, frame: int, step: int) -> bool:
    """Whether a detection may be a person who was seen before."""
    away = frame - seen.frame
    reach = min(MAX_JUMP + WALK * (away - 1), MAX_REACH)
    if _distance(seen, other) > reach:
        return False
    if away <= step:
        return True
    both = (seen.person.scores > 0) & (other.scores > 0)
    sizes = [_extent(person, both) for person in (seen.person, other)]
    return max(sizes) <= MAX_GROWTH * max(min(sizes), 1.)


def _extent(person: Person, joints: np.ndarray) -> float:
    """Mean distance of some joints from their centre, pixels."""
    points = person.keypoints[joints]
    if len(points) < 2:
        return 0.
    return float(np.linalg.norm(points - points.mean(0), axis=-1).mean())


def _by_track_id(frames: Frames, track_id: int,
                 source: str) -> Dict[int, Person]:
    chosen = {}
    for frame, people in frames.items():
        same = [p for p in people if p.track_id == track_id]
        if len(same) > 1:
            raise ValueError(f'{source}: expected one person with track id '
                             f'{track_id} in frame {frame}, found {len(same)}')
        if same:
            chosen[frame] = same[0]
    return chosen


def _distance(seen: _Seen, other: Person) -> float:
    """Mean joint distance as a share of the person's size.

    Of two sightings that have no joint in common, the distance of their
    middles.
    """
    one = seen.person
    both = (one.scores > 0) & (other.scores > 0)
    if both.any():
        gap = np.linalg.norm(
            (one.keypoints - other.keypoints)[both], axis=-1).mean()
    else:
        middles = [
            np.median(person.keypoints[person.scores > 0], axis=0)
            for person in (one, other)
        ]
        gap = np.linalg.norm(middles[0] - middles[1])
    return float(gap / max(seen.size, 1.))
