# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Lift people while their video is still running."""

import warnings
from collections import deque
from typing import (Deque, List, Mapping, NamedTuple, Optional, Sequence, Set,
                    Tuple, Union)

import numpy as np
from torch import nn

from mmdiffpose.skeletons import Skeleton, get_skeleton
from mmdiffpose.structures.keypoint_track import (KeypointTrack,
                                                  checked_score_thr,
                                                  seconds_of)
from mmdiffpose.structures.lifted_track import LiftedTrack
from mmdiffpose.structures.seen_joints import (PixelCheck, ScoreScale,
                                               mark_unseen)
from .clip_poses import ClipPoses
from .focal_length import Focal, FocalLengths
from .frame_rate import ResampledTrack, interpolated, lifter_fps
from .sighting_buffer import SightingBuffer
from .stream_rate import StreamRate
from .window_inference import (Clip, lifter_skeleton, prepare_clip,
                               run_windows, window_shape)
from .windows import plan_windows

Sighting = Sequence[np.ndarray]
"""Keypoints (J, 2), scores (J, ) and, where the detector has heatmaps,
mixtures (J, M, 5) of a person in one frame; pixels."""


class _Due(NamedTuple):
    """What is lifted of a person.

    Attributes:
        clip: One window.
        frames: The frames whose poses are wanted.
        back: How poses come back to the frames of the stream, if the window
            is of others.
    """
    clip: Clip
    frames: np.ndarray
    back: Optional[ResampledTrack]


class StreamingLifter:
    """Lifts each frame as soon as enough of its future was seen.

    The pose of a frame comes from one window of the model's length that ends
    ``latency`` frames after it. So it depends on frames up to
    ``frame + latency`` only, and comes out when that one is pushed. Each
    person has a ring buffer of one window; nothing else is kept, whatever the
    length of the video.

    A model is shown people at the frame rate of its training, as in
    :func:`~mmdiffpose.apis.lift_tracks`: a window is interpolated between the
    frames that the stream had in its time, and one of the window's frames is
    at the time of the frame that is due. That costs no latency. It takes
    ``fps`` or times of the frames; without both, frames are taken as of the
    rate of training, with a warning.

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
            to half a window, in whose middle the frame is then. In seconds it
            is :attr:`delay`. Defaults to 0.
        fit (bool): Whether a window is moved and zoomed as a whole to the
            place and size that people had in training. Defaults to True.
        max_gap (int, optional): Longest gap that is bridged, frames; half a
            window at most. Defaults to that, and half a second at most.
        source (str): Name of the video, for messages.
        focal_length (FocalLength | float, optional): The camera's, pixels; as
            for :func:`~mmdiffpose.apis.lift_tracks`.
        step (int): From one frame id to the next, of a stream that is given
            every n-th frame; ``fps`` counts those. Defaults to 1.
        resample (bool): Whether windows are made at the frame rate of
            training. Models of single frames do without. Defaults to True.
        score_thr (float): Joints of lower scores count as not seen. Defaults
            to 0.
        check_units (bool): Whether coordinates that look like shares or
            percents of the picture, or lie outside of it, are refused.
            Defaults to True.

    Raises:
        ValueError: For a latency that the model's window has no room for,
            joints that have no mapping to the model's, or a model that
            predicts one frame of a window.
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
                 step: int = 1,
                 resample: bool = True,
                 score_thr: float = 0.,
                 check_units: bool = True) -> None:
        if step < 1:
            raise ValueError(f'step should be 1 or more, got {step}')
        self.stride = step
        shape = window_shape(model)
        if shape.target is not None:
            raise ValueError(
                f'{source}: lifters that predict one frame of a window, such '
                'as VideoPose3D, are for lift_tracks, not for streams')
        self.length = shape.length
        resample = resample and self.length > 1
        self._rate = StreamRate(
            lifter_fps(model) if resample else None, self.length, fps)
        most = self._rate.most_latency
        if not 0 <= latency <= most:
            raise ValueError(
                f'latency should be from 0 to {most}, half of the model\'s '
                f'window of {self.length} frames, got {latency}')
        if max_gap is None:
            max_gap = self._rate.longest_gap
        self.model = model
        self.joints = lifter_skeleton(model)
        self.image_size = image_size
        self.skeleton = (
            get_skeleton(skeleton) if isinstance(skeleton, str) else skeleton)
        self.fps = fps
        self.latency = latency
        self.fit = fit
        # So the frame that is due and both ends of its gap fit in a window.
        self.max_gap = min(max_gap, self._rate.half_window)
        self.source = source
        self.score_thr = checked_score_thr(score_thr)
        self._to_one = ScoreScale(source)
        self._focals = FocalLengths(focal_length)
        self._step = -1
        held = self._rate.capacity + latency
        self._frame_ids: Deque[int] = deque(maxlen=held)
        self._times: Deque[Optional[float]] = deque(maxlen=held)
        self._people: List[SightingBuffer] = []
        self._pixels = PixelCheck() if check_units else None
        self._said: Set[str] = set()

    @property
    def delay(self) -> Optional[float]:
        """Seconds by which poses come later than their frames; None where the
        frame rate is not known."""
        return None if self.fps is None else self.latency / self.fps

    def push(self,
             frame_id: int,
             people: Mapping[int, Sighting],
             seconds: Optional[float] = None) -> List[LiftedTrack]:
        """Take the next frame; push frames without people, too.

        Args:
            frame_id (int): Where the frame stands in the video; increasing.
            people (Mapping[int, Sighting]): Track id to what was seen of the
                person. Joints at (0, 0) or (-1, -1), of None or NaN, or with
                scores of 0 were not seen.
            seconds (float, optional): When the frame was taken, of all frames
                or of none; increasing. Defaults to what ``fps`` says.

        Returns:
            list[LiftedTrack]: One frame of each person in frame number
            ``pushed - latency``, after those of frames that were dropped on
            the way.

        Raises:
            ValueError: For a frame id or time that does not increase, shapes
                other than the joint set's, shares of the picture instead of
                pixels, or percents for some time.
        """
        if self._frame_ids and frame_id <= self._frame_ids[-1]:
            raise ValueError(
                f'{self.source}: expected frame ids that increase, found '
                f'{frame_id} after {self._frame_ids[-1]}')
        self._check_time(frame_id, seconds)
        seen = {
            track_id: self._check(frame_id, track_id, sighting)
            for track_id, sighting in people.items()
        }
        lifted = self._skip_to(frame_id, seconds)
        return lifted + self._take(frame_id, seconds, seen)

    def _check_time(self, frame_id: int, seconds: Optional[float]) -> None:
        """Raise unless a frame's time follows those before."""
        if not self._times:
            if seconds is None and self.fps is None and self._rate.rates:
                self._say(
                    f'{self.source}: neither fps nor times are known; frames '
                    'are lifted as if they came at the rate of training')
            return
        last = self._times[-1]
        if (seconds is None) != (last is None):
            raise ValueError(
                f'{self.source}: expected times of all frames or of none, '
                f'found {seconds} for frame {frame_id} after {last}')
        if seconds is not None and not seconds > last:  # type: ignore
            raise ValueError(
                f'{self.source}: expected times that increase, found '
                f'{seconds} s for frame {frame_id} after {last} s')

    def _say(self, message: str) -> None:
        """Warn, once."""
        if message not in self._said:
            self._said.add(message)
            warnings.warn(message, stacklevel=4)

    def _skip_to(self, frame_id: int,
                 seconds: Optional[float]) -> List[LiftedTrack]:
        """Take the frames before this one that the stream dropped."""
        if not self._frame_ids:
            return []
        last, then = self._frame_ids[-1], self._times[-1]
        dropped = round((frame_id - last) / self.stride) - 1
        # After so many nobody is known any more.
        taken = min(dropped, self._rate.capacity + self.latency)
        lifted: List[LiftedTrack] = []
        for number in range(1, taken + 1):
            time = None
            if seconds is not None and then is not None:
                time = then + (seconds - then) * number / (dropped + 1)
            lifted += self._take(last + number * self.stride, time, {})
        self._step += max(dropped - taken, 0)
        return lifted

    def _take(
            self, frame_id: int, seconds: Optional[float],
            seen: Mapping[int, Optional[KeypointTrack]]) -> List[LiftedTrack]:
        """The next step, with what was seen in it."""
        self._step += 1
        self._frame_ids.append(frame_id)
        self._times.append(seconds)
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
        first = self._step - self.latency + 1
        if self._wanted() is None:
            lifted = self._lift(first, self._step)
        else:
            # Each is at the time of a frame of its own window.
            lifted = [
                track for step in range(first, self._step + 1)
                for track in self._lift(step, step)
            ]
        self._people.clear()
        self._frame_ids.clear()
        self._times.clear()
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
        # None becomes NaN.
        rows = [np.asarray(values, np.float32)[None] for values in sighting]
        if rows[0].shape == (*rows[1].shape, 2):
            rows[:2] = mark_unseen(rows[0], rows[1])
            if rows[1].size and not rows[1].any():
                return None
            if self._pixels is not None:
                self._pixels(rows[0], rows[1], self.image_size, where)
            rows[1] = self._to_one(rows[1])
        track = KeypointTrack(
            rows[0],
            rows[1],
            self.image_size,
            self.skeleton,
            np.array([frame_id]),
            source=where,
            mixtures=rows[2] if len(rows) > 2 else None)
        sure = track.above(self.score_thr)
        return None if sure is None else sure.for_lifter(self.joints)

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
        person = SightingBuffer(track_id, self._rate.capacity,
                                self.joints.num_joints, count, track.source)
        self._people.append(person)
        return person

    def _seconds(self) -> Optional[np.ndarray]:
        """Times of the frames that are held; None where they are unknown."""
        times = list(self._times)
        if times and times[-1] is not None:
            return np.array(times, np.float64)
        return seconds_of(
            np.array(self._frame_ids), self.stride, self.fps, None)

    def _wanted(self) -> Optional[float]:
        """Frames a second of windows; None for those of the stream."""
        return self._rate.wanted(self._seconds())

    def _lift(self, first: int, last: int) -> List[LiftedTrack]:
        """Lift the steps ``first`` to ``last`` of everybody in them."""
        wanted = self._wanted()
        dues: List[_Due] = []
        for person in self._people:
            span = person.span()
            start, stop = max(first, span[0]), min(last, span[1])
            if start <= stop:
                dues.append(self._due(person, span, start, stop, wanted))
        plans = [plan_windows(len(d.clip.track), self.length, 0) for d in dues]
        samples = (next(d.clip.windows(plan)) for d, plan in zip(dues, plans))
        lifted: List[LiftedTrack] = []
        for batch in run_windows(self.model, samples, max(len(dues), 1)):
            for due, plan, fields in zip(dues, plans, batch):
                poses = ClipPoses(due.clip, plan)
                poses.add(fields)
                track = poses.track()
                if due.back is not None:
                    track = due.back.at_own_frames(track)
                rows = np.flatnonzero(np.isin(track.frame_ids, due.frames))
                lifted.append(track.part(int(rows[0]), int(rows[-1]) + 1))
        return lifted

    def _due(self, person: SightingBuffer, span: Tuple[int, int], start: int,
             stop: int, wanted: Optional[float]) -> _Due:
        """The window in which a person's steps are."""
        own = self._track(person, *span)
        if wanted is None or len(own) == 1:
            # What was seen before the window is no part of it.
            own = own.part(max(0, len(own) - self.length), len(own))
            own = own.part(int(np.flatnonzero(own.present)[0]), len(own))
            rows = slice(start - span[1] - 1, len(own) + stop - span[1])
            return self._shown(own, self.max_gap, own.frame_ids[rows], None)
        times, due = own.seconds, start - span[0]
        assert times is not None
        pace = float(np.median(np.diff(times)))
        low, high = self._rate.reach(times, due, wanted,
                                     (self.max_gap + 1) * pace)
        frames = own.frame_ids[due:due + 1]
        near = own.part(low, high + 1)
        if len(near) == 1 or not near.present.any():
            return self._shown(near, self.max_gap, frames, None)
        back = interpolated(near, wanted, float(times[due]))
        count = len(back.track)
        back = back.part(max(0, count - self.length), count)
        gap = min(
            max(1, round(self.max_gap * wanted * pace)), self.length // 2)
        return self._shown(back.track, gap, frames, back)

    def _shown(self, track: KeypointTrack, max_gap: int, frames: np.ndarray,
               back: Optional[ResampledTrack]) -> _Due:
        clip = prepare_clip(self.model, track, max_gap, self.fit, self._focals)
        return _Due(clip, frames, back)

    def _track(self, person: SightingBuffer, first: int,
               last: int) -> KeypointTrack:
        """What was seen of a person from one step to another."""
        keypoints, scores, mixtures = person.rows(first, last)
        # The newest step is the last one that is held.
        rows = slice(first - self._step - 1 + len(self._frame_ids),
                     last - self._step + len(self._frame_ids))
        times = list(self._times)[rows]
        return KeypointTrack(
            keypoints,
            scores,
            self.image_size,
            self.joints,
            np.array(list(self._frame_ids)[rows]),
            self.fps,
            person.track_id,
            person.source,
            mixtures=mixtures,
            step=self.stride,
            times=None if times[0] is None else np.array(times, np.float64))
