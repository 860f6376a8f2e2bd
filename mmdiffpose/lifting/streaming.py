# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Lift people while their video is still running."""

from collections import deque
from typing import Deque, Dict, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np
from torch import nn

from mmdiffpose.skeletons import H36M_17, Skeleton, get_skeleton
from mmdiffpose.structures.keypoint_track import KeypointTrack
from mmdiffpose.structures.lifted_track import LiftedTrack
from mmdiffpose.structures.seen_joints import mark_unseen
from .focal_length import Focal, FocalLengths
from .gaps import default_max_gap
from .sighting_buffer import SightingBuffer
from .window_inference import (assemble, prepare_clip, run_windows,
                               window_length)
from .windows import plan_windows

Sighting = Sequence[np.ndarray]
"""Keypoints (J, 2), scores (J, ) and, where the detector has heatmaps,
mixtures (J, M, 5) of a person in one frame; pixels."""


class StreamingLifter:
    """Lifts each frame as soon as enough of its future was seen.

    The pose of a frame comes from one window of the model's length that ends
    ``latency`` frames after it. So it depends on frames up to
    ``frame + latency`` only, and comes out when that one is pushed. Each
    person has a ring buffer of one window; nothing else is kept, whatever the
    length of the video.

    Gaps of at most ``max_gap`` frames are bridged, with more uncertainty. That
    takes a sighting after the gap: a person who is not seen from a frame to
    ``latency`` frames later has no pose in it. Someone who stays away longer
    is dropped and, should their id come back, starts anew. Frames that the
    stream dropped, which frame ids tell, are frames in which nobody was seen.

    Args:
        model (nn.Module): As for :func:`~mmdiffpose.apis.lift_tracks`.
        image_size (tuple[int, int]): Width and height in pixels.
        skeleton (Skeleton | str): The 2D joints.
        fps (float, optional): Frames a second, if known.
        latency (int): Frames of the future that a frame waits for: 0 (none)
            to half a window, in whose middle the frame is then. Defaults
            to 0.
        fit (bool): Whether a window is moved and zoomed as a whole to the
            place and size that people had in training. Defaults to True.
        max_gap (int, optional): Longest gap that is bridged, frames; half a
            window at most. Defaults to
            :func:`~mmdiffpose.lifting.gaps.default_max_gap`.
        source (str): Name of the video, for messages.
        focal_length (FocalLength | float, optional): The camera's, pixels; as
            for :func:`~mmdiffpose.apis.lift_tracks`.
        step (int): From one frame id to the next, of a stream that is given
            every n-th frame; ``fps`` counts those. Defaults to 1.

    Raises:
        ValueError: For a latency that the model's window has no room for, or
            joints that have no mapping to the model's.
    """

    def __init__(self,
                 model: nn.Module,
                 image_size: Tuple[int, int],
                 skeleton: Union[Skeleton, str],
                 fps: Optional[float] = None,
                 latency: int = 0,
                 fit: bool = True,
                 max_gap: Optional[int] = None,
                 source: str = 'stream',
                 focal_length: Optional[Focal] = None,
                 step: int = 1) -> None:
        if step < 1:
            raise ValueError(f'step should be 1 or more, got {step}')
        self.stride = step
        self.length = window_length(model)
        most = (self.length - 1) // 2
        if not 0 <= latency <= most:
            raise ValueError(
                f'latency should be from 0 to {most}, half of the model\'s '
                f'window of {self.length} frames, got {latency}')
        if max_gap is None:
            max_gap = default_max_gap(self.length, fps)
        self.model = model
        self.image_size = image_size
        self.skeleton = (
            get_skeleton(skeleton) if isinstance(skeleton, str) else skeleton)
        self.fps = fps
        self.latency = latency
        self.fit = fit
        # So the frame that is due and both ends of its gap fit in a window.
        self.max_gap = min(max_gap, self.length // 2)
        self.source = source
        self._focals = FocalLengths(focal_length)
        self._step = -1
        self._frame_ids: Deque[int] = deque(maxlen=self.length + latency)
        self._people: List[SightingBuffer] = []

    def push(self, frame_id: int,
             people: Mapping[int, Sighting]) -> List[LiftedTrack]:
        """Take the next frame; push frames without people, too.

        Args:
            frame_id (int): Where the frame stands in the video; increasing.
            people (Mapping[int, Sighting]): Track id to what was seen of the
                person.

        Returns:
            list[LiftedTrack]: One frame of each person in frame number
            ``pushed - latency``, after those of frames that were dropped on
            the way.

        Raises:
            ValueError: For a frame id that does not increase, or shapes other
                than the joint set's.
        """
        if self._frame_ids and frame_id <= self._frame_ids[-1]:
            raise ValueError(
                f'{self.source}: expected frame ids that increase, found '
                f'{frame_id} after {self._frame_ids[-1]}')
        seen = {
            track_id: self._check(frame_id, track_id, sighting)
            for track_id, sighting in people.items()
        }
        lifted = self._skip_to(frame_id)
        return lifted + self._take(frame_id, seen)

    def _skip_to(self, frame_id: int) -> List[LiftedTrack]:
        """Take the frames before this one that the stream dropped."""
        if not self._frame_ids:
            return []
        last = self._frame_ids[-1]
        dropped = round((frame_id - last) / self.stride) - 1
        # After so many nobody is known any more.
        taken = min(dropped, self.length + self.latency)
        lifted: List[LiftedTrack] = []
        for number in range(1, taken + 1):
            lifted += self._take(last + number * self.stride, {})
        self._step += max(dropped - taken, 0)
        return lifted

    def _take(
            self, frame_id: int,
            seen: Mapping[int, Optional[KeypointTrack]]) -> List[LiftedTrack]:
        """The next step, with what was seen in it."""
        self._step += 1
        self._frame_ids.append(frame_id)
        for track_id, track in seen.items():
            if track is not None:
                self._buffer(track_id, track).put(self._step, track)
        due = self._step - self.latency
        lifted = self._lift(due, due)
        self._people = [
            person for person in self._people
            if self._may_return(person) or person.last > due
        ]
        return lifted

    def flush(self) -> List[LiftedTrack]:
        """End the video: the frames that still waited for their future.

        The next frame pushed starts another video.

        Returns:
            list[LiftedTrack]: Up to ``latency`` frames of each person.
        """
        lifted = self._lift(self._step - self.latency + 1, self._step)
        self._people.clear()
        self._frame_ids.clear()
        self._step = -1
        return lifted

    def _check(self, frame_id: int, track_id: int,
               sighting: Sighting) -> Optional[KeypointTrack]:
        """One frame's track with the lifter's joints; None: nothing seen."""
        where = f'{self.source}, person {track_id}'
        if not 2 <= len(sighting) <= 3:
            raise ValueError(
                f'{where}: expected keypoints, scores and perhaps mixtures, '
                f'found {len(sighting)} things')
        rows = [np.asarray(values)[None] for values in sighting]
        if rows[0].shape == (*rows[1].shape, 2):
            rows[:2] = mark_unseen(rows[0], rows[1])
            if rows[1].size and not rows[1].any():
                return None
        track = KeypointTrack(
            rows[0],
            rows[1],
            self.image_size,
            self.skeleton,
            np.array([frame_id]),
            source=where,
            mixtures=rows[2] if len(rows) > 2 else None)
        return track.for_lifter()

    def _may_return(self, person: SightingBuffer) -> bool:
        """Whether a sighting in the next frame would bridge the gap."""
        return self._step - person.last <= self.max_gap

    def _buffer(self, track_id: int, track: KeypointTrack) -> SightingBuffer:
        """The person's buffer; a new one after a long absence."""
        for person in self._people:
            if (person.track_id == track_id
                    and self._step - 1 - person.last <= self.max_gap):
                return person
        count = None if track.mixtures is None else track.mixtures.shape[2]
        person = SightingBuffer(track_id, self.length, H36M_17.num_joints,
                                count, track.source)
        self._people.append(person)
        return person

    def _lift(self, first: int, last: int) -> List[LiftedTrack]:
        """Lift the steps ``first`` to ``last`` of everybody in them."""
        clips, rows = [], []
        for person in self._people:
            span = person.span()
            start, stop = max(first, span[0]), min(last, span[1])
            if start > stop:
                continue
            clips.append(
                prepare_clip(self.model, self._track(person, *span),
                             self.max_gap, self.fit, self._focals))
            rows.append((start - span[0], stop + 1 - span[0]))
        plans = [plan_windows(len(c.track), self.length, 0) for c in clips]
        samples = (next(c.windows(plan)) for c, plan in zip(clips, plans))
        lifted: List[LiftedTrack] = []
        for batch in run_windows(self.model, samples, max(len(clips), 1)):
            for index, fields in enumerate(batch):
                track = assemble(clips[index], plans[index], [fields])
                lifted.append(track.part(*rows[index]))
        return lifted

    def _track(self, person: SightingBuffer, first: int,
               last: int) -> KeypointTrack:
        """What was seen of a person from one step to another."""
        keypoints, scores, mixtures = person.rows(first, last)
        newest = self._step
        ids: Dict[int, int] = {
            newest - age: frame
            for age, frame in enumerate(reversed(self._frame_ids))
        }
        return KeypointTrack(
            keypoints,
            scores,
            self.image_size,
            H36M_17,
            np.array([ids[step] for step in range(first, last + 1)]),
            self.fps,
            person.track_id,
            person.source,
            mixtures=mixtures,
            step=self.stride)
