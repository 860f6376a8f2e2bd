# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Put the detections of a clip together into one 2D track per person."""

from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from mmdiffpose.skeletons import Skeleton
from mmdiffpose.structures.detections import Detections
from mmdiffpose.structures.keypoint_track import KeypointTrack


class _Sighting(NamedTuple):
    """A person in one frame."""
    frame: int
    keypoints: np.ndarray
    scores: np.ndarray
    mixtures: Optional[np.ndarray] = None


class TrackCollector:
    """Collects people's joints frame by frame; nothing else is kept."""

    def __init__(self) -> None:
        self.num_frames = 0
        self._people: Dict[int, List[_Sighting]] = {}

    def add(self, ids: np.ndarray, found: Detections) -> None:
        """Take in the next frame.

        Args:
            ids (np.ndarray): (P, ) of the
                :class:`~.person_tracker.PersonTracker`, -1 for
                detections to leave out.
            found (Detections): Its P detections.
        """
        for person, fields in people_of_frame(ids, found).items():
            # Copies: a view would keep the whole frame's arrays alive.
            self._people.setdefault(person, []).append(
                _Sighting(self.num_frames, *map(np.array, fields)))
        self.num_frames += 1

    def tracks(self,
               image_size: Tuple[int, int],
               skeleton: Skeleton,
               fps: Optional[float] = None,
               source: str = 'keypoints',
               times: Optional[np.ndarray] = None) -> List[KeypointTrack]:
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
        """
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
            for person, sightings in sorted(self._people.items())
        ]


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
