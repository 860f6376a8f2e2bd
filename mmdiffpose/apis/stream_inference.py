# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Frames of a stream, lifted in one pass, with a fixed number of them held."""

from collections import deque
from typing import Deque, Dict, Iterator, List, NamedTuple, Optional

import numpy as np
from torch import nn

from mmdiffpose.detection.frame_sources import FrameSource
from mmdiffpose.detection.pose2d import Pose2DStage
from mmdiffpose.detection.track_collector import people_of_frame
from mmdiffpose.detection.trackers import PeopleTracker
from mmdiffpose.detection.video_times import StreamClock
from mmdiffpose.lifting.focal_length import known_focal_length
from mmdiffpose.lifting.root_trajectory import StreamPlacer
from mmdiffpose.lifting.streaming import StreamingLifter
from mmdiffpose.structures.lifted_track import LiftedTrack, join_tracks
from .inference_options import NO_STREAM, InferenceOptions


class StreamFrame(NamedTuple):
    """A frame whose poses are final.

    Attributes:
        frame_id: Its number, from 0 on.
        image: (h, w, 3), BGR, where it will be drawn.
        lifted: Of the people who became final with it.
        seconds: When it was taken; None where only its number is known.
    """
    frame_id: int
    image: Optional[np.ndarray]
    lifted: List[LiftedTrack]
    seconds: Optional[float] = None


def lift_stream(model: nn.Module, pose2d: Pose2DStage, tracker: PeopleTracker,
                source: FrameSource,
                options: InferenceOptions) -> Iterator[StreamFrame]:
    """Detect, track, lift and place, ``options.latency`` frames behind.

    Args:
        model (nn.Module): The lifter.
        pose2d (Pose2DStage): The 2D stage.
        tracker (PeopleTracker): New.
        source (FrameSource): Read once.
        options (InferenceOptions): Of the call.

    Raises:
        ValueError: For known heights, which take the whole of a clip.
    """
    if options.person_height is not None:
        raise ValueError(f'{source.name}: {NO_STREAM}')
    waiting: Deque[StreamFrame] = deque()
    lifted: List[LiftedTrack] = []
    lifter: Optional[StreamingLifter] = None
    place: Optional[StreamPlacer] = None
    number = 0
    fps = options.fps or source.fps
    # A file's time stamps are true; those of a live source jitter.
    clock = StreamClock(fps if source.live else None)
    for frame, found in pose2d.run(source):
        if lifter is None:
            size = (frame.shape[1], frame.shape[0])
            focal = known_focal_length(size, options.focal_length,
                                       source.image)
            if options.root_trajectory:
                place = StreamPlacer(focal)
            lifter = StreamingLifter(
                model,
                size,
                pose2d.skeleton,
                fps,
                options.latency,
                options.fit,
                source=source.name,
                focal_length=focal,
                resample=options.resample,
                score_thr=options.score_thr,
                check_units=False)  # The 2D stage checks.
        image = frame if options.pictures else None
        seconds = None
        if options.fps is None and source.timestamps:
            seconds = clock.time(source.timestamps[-1])
        waiting.append(StreamFrame(number, image, [], seconds))
        del frame, image
        ids = tracker.update(found.keypoints, found.scores)
        people = {
            person: fields
            for person, fields in people_of_frame(ids, found).items()
            if options.track_ids is None or person in options.track_ids
        }
        new = lifter.push(number, people, seconds)
        lifted += new if place is None else place(new)
        if len(waiting) > options.latency:
            yield waiting.popleft()._replace(lifted=lifted)
            lifted = []
        number += 1
    if lifter is not None:
        new = lifter.flush()
        lifted += new if place is None else place(new)
    while waiting:
        yield waiting.popleft()._replace(lifted=lifted)
        lifted = []


class StreamRecord:
    """The tracks of a stream, for its files."""

    AT_ONCE = 256
    """Parts that are joined into one: a track of one frame takes many times
    the memory of its numbers."""

    def __init__(self) -> None:
        self._parts: Dict[Optional[int], List[LiftedTrack]] = {}
        self._joined: Dict[Optional[int], List[LiftedTrack]] = {}

    def add(self, part: LiftedTrack) -> None:
        """Take in some frames of a person."""
        parts = self._parts.setdefault(part.track_id, [])
        parts.append(part)
        if len(parts) == self.AT_ONCE:
            self._joined.setdefault(part.track_id,
                                    []).append(join_tracks(parts))
            parts.clear()

    def tracks(self) -> List[LiftedTrack]:
        """One for each person."""
        return [
            join_tracks(self._joined.get(person, []) + parts)
            for person, parts in self._parts.items()
        ]
