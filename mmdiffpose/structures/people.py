# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The people of one video: who is who among its lifted tracks."""

from itertools import count
from typing import Dict, List, Sequence, Union

from .lifted_track import LiftedTrack

Lifted = Union[LiftedTrack, Sequence[LiftedTrack]]
"""One person, or the tracks of several."""


def as_list(lifted: Lifted) -> List[LiftedTrack]:
    """The tracks of one video as a list.

    Raises:
        ValueError: If there is none, or they do not go together.
    """
    tracks = [lifted] if isinstance(lifted, LiftedTrack) else list(lifted)
    if not tracks:
        raise ValueError('expected at least one lifted track, found none')
    for track in tracks[1:]:
        for name in ('image_size', 'fps'):
            expected, found = getattr(tracks[0], name), getattr(track, name)
            if found != expected:
                raise ValueError(f'tracks of one video: expected {name} '
                                 f'{expected} of all, found {found}')
        if track.skeleton.joints != tracks[0].skeleton.joints:
            raise ValueError('tracks of one video: expected skeleton '
                             f'{tracks[0].skeleton.name} of all, found '
                             f'{track.skeleton.name}')
    return tracks


def person_numbers(tracks: Sequence[LiftedTrack]) -> List[int]:
    """A number per track: its ``track_id``, else the least that is free.

    Tracks with the same id are pieces of one person's track, between long
    gaps; each track without an id is a person of its own.
    """
    taken = {track.track_id for track in tracks}
    free = (number for number in count() if number not in taken)
    return [
        next(free) if track.track_id is None else int(track.track_id)
        for track in tracks
    ]


def by_person(tracks: Sequence[LiftedTrack]) -> Dict[int, List[LiftedTrack]]:
    """Tracks by person's number, each person's in order of time."""
    people: Dict[int, List[LiftedTrack]] = {}
    for number, track in zip(person_numbers(tracks), tracks):
        people.setdefault(number, []).append(track)
    return {
        number: sorted(people[number], key=lambda piece: piece.frame_ids[0])
        for number in sorted(people)
    }
