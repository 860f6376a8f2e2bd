# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Tell people apart in detections that hold several, or pick one."""

import warnings
from dataclasses import dataclass
from typing import Dict, List, Optional, Set, Tuple

import numpy as np

MAX_JUMP = 0.5
"""Without track ids, a person may move by this share of their size between
two frames where there are others; what is farther away is somebody else."""
MAX_LOST = 15
"""Without track ids, frames after which somebody who was lost is a new one."""


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


Frames = Dict[int, List[Person]]
"""Frame id to the persons in that frame."""


def select_person(frames: Frames, track_id: Optional[int],
                  source: str) -> Dict[int, Person]:
    """One person's detections, by frame id.

    With track ids, the person asked for, else the one who is largest and
    longest in the picture. Without track ids, the largest person of the first
    frame that has any, followed from frame to frame by the least distance of
    joints; frames in which nobody is near are left out.

    Args:
        frames (dict[int, list[Person]]): All detections.
        track_id (int, optional): The person wanted.
        source (str): Name of the file, for messages.

    Returns:
        dict[int, Person]: Frames without the person are left out.

    Raises:
        ValueError: If nobody was detected in any frame, nobody has a joint
            that was seen, or ``track_id`` is not in the file.
    """
    found = {frame: people for frame, people in frames.items() if people}
    if not found:
        raise ValueError(f'{source} is empty: expected at least one person, '
                         f'found none in {len(frames)} frames')
    ids = _ids(found)
    if track_id is not None and ids == {None}:
        numbered = people_by_id(found, source)
        if track_id not in numbered:
            raise ValueError(f'{source} names nobody: expected a number of '
                             f'{list(numbered)} as track id, found {track_id}')
        return numbered[track_id]
    if track_id is not None or None not in ids:
        return _by_track_id(found, track_id, source)
    crowded = _crowded(found)
    if crowded:
        warnings.warn(f'{source} has several persons in a frame and no track '
                      'ids: following the largest one of the first frame')
    chosen = _by_distance(found, MAX_JUMP if crowded else np.inf)
    if not chosen:
        raise ValueError(f'{source}: no joint was seen in any frame (all '
                         'scores are 0), there is nothing to lift')
    return chosen


def people_by_id(frames: Frames, source: str) -> Dict[int, Dict[int, Person]]:
    """Everybody's detections, by track id and frame id.

    Where somebody has no track id all are ignored, and people are followed
    from frame to frame by the least distance of joints; somebody lost for
    more than :data:`MAX_LOST` frames is a new person. Where there is never
    more than one, it is always the same.

    Args:
        frames (dict[int, list[Person]]): All detections.
        source (str): Name of the file, for messages.

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
        people = {key: _by_track_id(found, key, source) for key in ids}
    elif _crowded(found):
        people = _linked(found)
    else:
        people = {0: _by_distance(found, np.inf)}
    seen = {
        key: persons
        for key, persons in people.items()
        if any(person.size > 0 for person in persons.values())
    }
    if not seen:
        raise ValueError(f'{source}: no joint was seen in any frame (all '
                         'scores are 0), there is nothing to lift')
    return seen


def _ids(frames: Frames) -> Set[Optional[int]]:
    return {p.track_id for people in frames.values() for p in people}


def _crowded(frames: Frames) -> bool:
    return max(map(len, frames.values())) > 1


def _linked(frames: Frames) -> Dict[int, Dict[int, Person]]:
    """People numbered in order of appearance, nearest pairs first."""
    people: Dict[int, Dict[int, Person]] = {}
    last: Dict[int, Tuple[int, Person]] = {}
    for place, frame in enumerate(sorted(frames)):
        last = {
            key: (when, person)
            for key, (when, person) in last.items() if place - when <= MAX_LOST
        }
        waiting = [person for person in frames[frame] if person.size > 0]
        pairs = sorted((_distance(person, other), key, i)
                       for key, (_, person) in last.items()
                       for i, other in enumerate(waiting))
        owner: Dict[int, int] = {}
        for distance, key, i in pairs:
            if (distance <= MAX_JUMP and i not in owner
                    and key not in owner.values()):
                owner[i] = key
        for i, person in enumerate(waiting):
            key = owner.get(i, len(people))
            people.setdefault(key, {})[frame] = person
            last[key] = (place, person)
    return people


def _by_track_id(frames: Frames, track_id: Optional[int],
                 source: str) -> Dict[int, Person]:
    extent: Dict[int, float] = {}
    for people in frames.values():
        for person in people:
            if person.track_id is not None:
                extent.setdefault(person.track_id, 0.)
                extent[person.track_id] += person.size
    if track_id is None:
        track_id = max(extent, key=lambda key: extent[key])
        if len(extent) > 1:
            others = sorted(set(extent) - {track_id})
            warnings.warn(f'{source} has {len(extent)} persons: taking track '
                          f'{track_id}, the largest; others are {others}')
    elif track_id not in extent:
        raise ValueError(f'{source}: expected a person with track id '
                         f'{track_id}, found {sorted(extent)}')
    chosen = {}
    for frame, people in frames.items():
        same = [p for p in people if p.track_id == track_id]
        if len(same) > 1:
            raise ValueError(f'{source}: expected one person with track id '
                             f'{track_id} in frame {frame}, found {len(same)}')
        if same:
            chosen[frame] = same[0]
    return chosen


def _by_distance(frames: Frames, max_jump: float) -> Dict[int, Person]:
    chosen: Dict[int, Person] = {}
    last: Optional[Person] = None
    for frame in sorted(frames):
        people = frames[frame]
        if last is None:
            person = max(people, key=lambda p: p.size)
        else:
            person = min(people, key=lambda p: _distance(last, p))
            if _distance(last, person) > max_jump:
                continue
        if person.size > 0:
            chosen[frame] = last = person
    return chosen


def _distance(one: Person, other: Person) -> float:
    """Mean joint distance as a share of the first person's size."""
    both = (one.scores > 0) & (other.scores > 0)
    if not both.any():
        return np.inf
    gaps = np.linalg.norm((one.keypoints - other.keypoints)[both], axis=-1)
    return float(gaps.mean() / max(one.size, 1.))
