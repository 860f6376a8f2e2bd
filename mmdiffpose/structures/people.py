# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The people of one video: who is who among its lifted tracks."""

from itertools import count
from typing import Dict, List, Sequence, Tuple, Union

import numpy as np

from .lifted_track import LiftedTrack

ROWS_AT_ONCE = 4096
"""Poses that writers of text turn into text at once: the memory that they
take does not grow with the clip."""
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


def frames_together(tracks: Sequence[LiftedTrack],
                    most: int) -> List[List[Tuple[int, slice]]]:
    """Cut a video into spans of frames, without parting a frame's people.

    Args:
        tracks (sequence[LiftedTrack]): The people, in order of time each.
        most (int): Poses in a span, about: no fewer than a frame's.

    Returns:
        list[list[tuple[int, slice]]]: For each span, in order of time, the
        tracks that have frames in it, by index, and which of their rows.
    """
    ids = np.sort(np.concatenate([track.frame_ids for track in tracks]))
    cuts = np.unique(ids[::most])
    spans: List[List[Tuple[int, slice]]] = [[] for _ in cuts]
    for index, track in enumerate(tracks):
        frames = track.frame_ids
        first, last = np.searchsorted(cuts, frames[[0, -1]], 'right') - 1
        inner = np.searchsorted(frames, cuts[first + 1:last + 1]).tolist()
        starts, stops = [0, *inner], [*inner, len(frames)]
        for span, start, stop in zip(range(first, last + 1), starts, stops):
            if stop > start:
                spans[span].append((index, slice(start, stop)))
    return spans
