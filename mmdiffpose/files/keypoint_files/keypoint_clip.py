# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What a keypoint file says, whatever its format."""

import math
from dataclasses import dataclass
from functools import reduce
from typing import Dict, List, Optional, Tuple

import numpy as np

from mmdiffpose.files.person_selection import (Frames, Person, people_by_id,
                                               select_person)
from mmdiffpose.skeletons import Skeleton
from mmdiffpose.structures.keypoint_track import KeypointTrack


@dataclass(frozen=True)
class KeypointClip:
    """The people in each frame of a clip.

    Attributes:
        frames: Frame id to the persons in that frame.
        skeleton: Their joints.
        image_size: Width and height in pixels.
        fps: Frames of the file a second, if known.
        source: The file; error messages start with it.
        times: Frame id to seconds, if known.
    """
    frames: Frames
    skeleton: Skeleton
    image_size: Tuple[int, int]
    fps: Optional[float]
    source: str
    times: Optional[Dict[int, float]] = None

    @property
    def step(self) -> int:
        """Difference of neighbouring frame ids.

        A file of every n-th frame has no gaps, only a lower frame rate.
        """
        ids = sorted(self.frames)
        return reduce(math.gcd, np.diff(ids).tolist(), 0) or 1

    def track(self, persons: Dict[int, Person],
              track_id: Optional[int]) -> KeypointTrack:
        """One person's track, from the first to the last frame seen.

        Frames without the person get scores of 0.

        Args:
            persons (dict[int, Person]): The person, by frame id.
            track_id (int, optional): Their name.
        """
        ids = sorted(persons)
        times = self.times
        return KeypointTrack(
            np.stack([persons[i].keypoints for i in ids]),
            np.stack([persons[i].scores for i in ids]),
            self.image_size,
            self.skeleton,
            np.array(ids),
            self.fps,
            track_id,
            source=self.source,
            step=self.step,
            times=None if times is None else np.array([times[i]
                                                       for i in ids])).dense(
                                                           self.step)

    def one(self, track_id: Optional[int] = None) -> KeypointTrack:
        """One person, see :func:`~..person_selection.select_person`."""
        persons = select_person(self.frames, track_id, self.source, self.step)
        chosen = next(iter(persons.values())).track_id
        return self.track(persons, chosen)

    def all(self) -> List[KeypointTrack]:
        """Everybody, see :func:`~..person_selection.people_by_id`."""
        people = people_by_id(self.frames, self.source, self.step)
        return [self.track(people[key], key) for key in sorted(people)]
