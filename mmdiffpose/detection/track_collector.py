# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Put the detections of a clip together into one 2D track per person."""

from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from mmdiffpose.skeletons import Skeleton
from mmdiffpose.structures.detections import Detections
from mmdiffpose.structures.keypoint_track import DEFAULT_FPS, KeypointTrack
from .track_linking import TrackPiece, link_pieces


class _Sighting(NamedTuple):
    """A person in one frame."""
    frame: int
    keypoints: np.ndarray
    scores: np.ndarray
    colors: Optional[np.ndarray] = None
    mixtures: Optional[np.ndarray] = None


class TrackCollector:
    """Collects people's joints frame by frame; nothing else is kept."""

    def __init__(self) -> None:
        self.num_frames = 0
        self._people: Dict[int, List[_Sighting]] = {}

    def add(self,
            ids: np.ndarray,
            found: Detections,
            colors: Optional[np.ndarray] = None) -> None:
        """Take in the next frame.

        Args:
            ids (np.ndarray): (P, ) of the
                :class:`~.person_tracker.PersonTracker`, -1 for
                detections to leave out.
            found (Detections): Its P detections.
            colors (np.ndarray, optional): (P, 2, 3) of
                :func:`~.clothes.clothes_colors`.
        """
        fields = dict(found._asdict(), colors=colors)
        for row, person in enumerate(ids.tolist()):
            if person < 0:
                continue
            # Copies: a view would keep the whole frame's arrays alive.
            self._people.setdefault(person, []).append(
                _Sighting(
                    self.num_frames, **{
                        name: np.array(values[row])
                        for name, values in fields.items()
                        if values is not None
                    }))
        self.num_frames += 1

    def tracks(self,
               image_size: Tuple[int, int],
               skeleton: Skeleton,
               fps: Optional[float] = None,
               source: str = 'keypoints',
               times: Optional[np.ndarray] = None,
               link: bool = False) -> List[KeypointTrack]:
        """The people, in the order of their ids.

        Each track reaches from the first to the last frame in which the
        person was seen; frames between in which they were not have scores of
        0.

        Args:
            image_size (tuple[int, int]): Width and height in pixels.
            skeleton (Skeleton): The joints.
            fps (float, optional): Frames a second, if known.
            source (str): Name of the clip, for messages.
            times (np.ndarray, optional): (F, ) seconds of all frames, where
                their pace is not even.
            link (bool): Whether people who come back get the id that they
                had, see :mod:`~.track_linking`. Defaults to False.
        """
        people = self._people
        if link:
            people = self._linked(skeleton, fps, times)
        return [
            KeypointTrack(
                **_stack(sightings),
                times=None if times is None else
                times[sightings[0].frame:sightings[-1].frame + 1],
                image_size=image_size,
                skeleton=skeleton,
                fps=fps,
                track_id=person,
                source=f'{source}, person {person}')
            for person, sightings in sorted(people.items())
        ]

    def _linked(self, skeleton: Skeleton, fps: Optional[float],
                times: Optional[np.ndarray]) -> Dict[int, List[_Sighting]]:
        """The people, who have the id that they had before an absence."""
        if times is None:
            times = np.arange(self.num_frames) / (fps or DEFAULT_FPS)
        pieces = [
            TrackPiece(
                person, times[[sighting.frame for sighting in sightings]],
                np.stack([sighting.keypoints for sighting in sightings]),
                np.stack([sighting.scores
                          for sighting in sightings]), skeleton.bones,
                _colors(sightings))
            for person, sightings in self._people.items()
        ]
        people: Dict[int, List[_Sighting]] = {}
        owner = link_pieces(pieces)
        for person, sightings in self._people.items():
            people.setdefault(owner[person], []).extend(sightings)
        return {
            person: sorted(sightings, key=lambda sighting: sighting.frame)
            for person, sightings in people.items()
        }


def _colors(sightings: List[_Sighting]) -> Optional[np.ndarray]:
    """(F, 2, 3) of clothes, where they were looked at."""
    known = [s.colors for s in sightings if s.colors is not None]
    return np.stack(known) if len(known) == len(sightings) else None


def people_of_frame(ids: np.ndarray,
                    found: Detections) -> Dict[int, List[np.ndarray]]:
    """Track id to keypoints (K, 2), scores (K, ) and mixtures (K, M, 5).

    Mixtures are left out where the detector has none; so are people with the
    id -1.
    """
    fields = [field for field in found if field is not None]
    return {
        int(person): [field[i] for field in fields]
        for i, person in enumerate(ids) if person >= 0
    }


def pick_tracks(tracks: List[KeypointTrack],
                track_ids: Optional[Sequence[int]],
                source: str) -> List[KeypointTrack]:
    """The people asked for; all where no ids are given.

    Raises:
        ValueError: If one of them is not there; names those who are.
    """
    if track_ids is None:
        return tracks
    found = sorted(
        {track.track_id
         for track in tracks if track.track_id is not None})
    missing = sorted(set(track_ids) - set(found))
    if missing:
        raise ValueError(f'{source}: expected people with track ids {missing}'
                         f', found {found}')
    return [track for track in tracks if track.track_id in track_ids]


def _stack(sightings: List[_Sighting]) -> Dict[str, Any]:
    """Arrays from the first to the last frame, 0 where nobody was seen."""
    first = sightings[0].frame
    rows = np.array([sighting.frame - first for sighting in sightings])
    length = int(rows[-1]) + 1

    def field(name: str) -> np.ndarray:
        values = np.stack([getattr(s, name) for s in sightings])
        whole = np.zeros((length, *values.shape[1:]), np.float32)
        whole[rows] = values
        return whole

    fields = {name: field(name) for name in ('keypoints', 'scores')}
    if all(sighting.mixtures is not None for sighting in sightings):
        fields['mixtures'] = field('mixtures')
    return dict(fields, frame_ids=first + np.arange(length))
