# Copyright (c) mmdiffpose contributors. All rights reserved.
"""A clip whose people are lifted."""

from typing import Dict, List, NamedTuple, Optional, Sequence

from mmdiffpose.detection.frame_sources import FrameSource
from mmdiffpose.structures.lifted_track import LiftedTrack


class LiftedClip(NamedTuple):
    """A clip that is lifted.

    Attributes:
        lifted: Its people.
        frame_ids: Its frames, in order, also those without people.
        stem: Of the names of result files.
        pictures: The frames themselves, if they can be read (again).
        fps: Frames a second.
        times: When each frame is, seconds; None where ``fps`` tells.
    """
    lifted: List[LiftedTrack]
    frame_ids: Sequence[int]
    stem: str
    pictures: Optional[FrameSource]
    fps: float
    times: Optional[Sequence[float]] = None


def times_of(lifted: Sequence[LiftedTrack],
             frame_ids: Sequence[int]) -> Optional[List[float]]:
    """Seconds of a clip's frames; None where they are not known of all."""
    known: Dict[int, float] = {}
    for track in lifted:
        if track.seconds is not None:
            known.update(zip(track.frame_ids.tolist(), track.seconds.tolist()))
    if len(known) < len(frame_ids):
        return None
    return [known[frame_id] for frame_id in frame_ids]
