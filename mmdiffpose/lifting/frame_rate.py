# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Show a lifter people at the frame rate that it was trained at.

A lifter of windows has learnt how far people move from frame to frame. What
comes slower or faster looks to it like other motion, and at uneven times like
a stutter. So a track is interpolated to the rate of training, lifted, and the
poses at the times of its own frames are read off.

Mean errors of DiffPose (the zoo's, of 27 frames at 50 a second) in mm, 8
clips of HDM05's actor dg with 5 pixels of noise, by
``tools/analysis_tools/frame_rate_table.py --clips 8``:

============ ==== ==== ==== ==== ==== ==== ==== ==== ==== ====
frames a s      4    8   15   20   24   25   30   50   60  120
============ ==== ==== ==== ==== ==== ==== ==== ==== ==== ====
as they come 91.7 86.7 84.6 79.0 74.5 73.9 70.1 64.0 63.7 64.5
resampled    72.5 67.0 66.9 65.5 65.9 65.6 65.1 64.0 63.8 64.2
============ ==== ==== ==== ==== ==== ==== ==== ==== ==== ====
"""

from dataclasses import dataclass, replace
from typing import Any, Optional, Tuple, Union

import numpy as np
from scipy.interpolate import CubicSpline
from torch import nn

from mmdiffpose.structures.keypoint_track import KeypointTrack
from mmdiffpose.structures.lifted_track import LiftedTrack
from mmdiffpose.structures.lifter_view import LifterView
from .gaps import bridge_gaps

Rates = Union[float, Tuple[float, float]]
"""One frame rate, or the least and the largest of a range."""

TRAINING_FPS = 50.
"""Frames a second that lifters are trained on here, where neither their
config says ``lifter_fps`` nor their data set ``fps``."""
TOLERANCE = 0.03
"""Share by which a rate may differ from that of training."""
MIN_FPS = 4.
"""Slower tracks are left as they are: nobody knows what happened in a quarter
of a second."""
REACH = 0.05
"""Seconds from the nearest frame up to which a joint counts as seen."""
MAX_FACTOR = 16.
"""Tracks are interpolated to at most so many times their frames."""


def lifter_fps(model: nn.Module) -> Rates:
    """Frames a second at which a model was trained.

    What its config says, else what the data say that it was trained on.

    Returns:
        float | tuple[float, float]: A number, or two where it was trained at
        all rates between them: tracks within are shown to it as they come.
    """
    config: Any = model.cfg
    data: Any = getattr(model, 'dataset_meta', None) or {}
    rates = config.get('lifter_fps') or data.get('fps') or TRAINING_FPS
    if isinstance(rates, (int, float)):
        return float(rates)
    low, high = map(float, rates)
    return low, high


@dataclass(frozen=True)
class ResampledTrack:
    """A track at another frame rate.

    Attributes:
        track: F' frames at the rate wanted, numbered from 0.
        seconds: (F', ) when these are.
        own: The F frames that it was made of.
    """
    track: KeypointTrack
    seconds: np.ndarray
    own: KeypointTrack

    def part(self, start: int, stop: int) -> 'ResampledTrack':
        """Rows ``start`` to before ``stop``, and the track's own frames in
        them."""
        half = .5 / self.track.fps if self.track.fps else 0.
        times = self.own.seconds
        assert times is not None
        inside = np.flatnonzero((times >= self.seconds[start] - half - 1e-6)
                                & (times <= self.seconds[stop - 1] + half +
                                   1e-6))
        return ResampledTrack(
            self.track.part(start, stop), self.seconds[start:stop],
            self.own.part(int(inside[0]),
                          int(inside[-1]) + 1))

    def at_own_frames(self, lifted: LiftedTrack) -> LiftedTrack:
        """Poses at the times of the track's own frames.

        Places are interpolated; how sure they are and how hypotheses differ
        from them is taken from the nearest frame, since hypotheses of
        neighbouring windows do not belong together.

        Args:
            lifted (LiftedTrack): F' frames, of ``track``.

        Returns:
            LiftedTrack: F frames.
        """
        own = self.own
        times = own.seconds
        assert times is not None
        place = np.interp(times, self.seconds, np.arange(len(self.seconds)))
        near = np.round(place).astype(int)
        seen = own.scores > 0
        poses = _at(lifted.keypoints_3d, place)
        hypotheses = lifted.hypotheses
        if hypotheses is not None:
            apart = hypotheses[near] - lifted.keypoints_3d[near][:, None]
            hypotheses = poses[:, None] + apart
        view: Optional[LifterView] = lifted.view
        if view is not None:
            view = LifterView(view.rotation[near], view.center[near],
                              view.zoom[near])
        shown = np.where(seen[..., None], own.keypoints,
                         _at(lifted.keypoints_2d, place))
        return replace(
            lifted,
            keypoints_3d=poses,
            scores=np.where(seen, lifted.scores[near], 0),
            std=_rows(lifted.std, near),
            covariance=_rows(lifted.covariance, near),
            hypotheses=hypotheses,
            view=view,
            keypoints_2d=shown.astype(lifted.keypoints_2d.dtype),
            scores_2d=own.scores,
            frame_ids=own.frame_ids,
            fps=own.fps,
            step=own.step,
            times=own.times)


def wanted_rate(times: np.ndarray, fps: Rates) -> Optional[float]:
    """At which frame rate to show a lifter what comes at these times.

    Args:
        times (np.ndarray): (F, ) seconds, increasing.
        fps (float | tuple[float, float]): The rate of training; of a range,
            the nearest to the track's own.

    Returns:
        float | None: None where the times are right as they are, or so far
        apart that nobody knows what happened between them.
    """
    if len(times) < 2:
        return None
    pace = np.diff(times)
    own = 1 / float(np.median(pace))
    even = np.abs(pace * own - 1).max() <= TOLERANCE
    if not isinstance(fps, (int, float)):
        fps = float(np.clip(own, *fps))
    if even and abs(own / fps - 1) <= TOLERANCE:
        return None
    if own < MIN_FPS or fps > MAX_FACTOR * own:
        return None
    return float(fps)


def resampled(track: KeypointTrack, fps: Rates) -> Optional[ResampledTrack]:
    """A track at another frame rate, as :func:`interpolated` makes it.

    Args:
        track (KeypointTrack): F frames, with a row for each.
        fps (float | tuple[float, float]): As for :func:`wanted_rate`.

    Returns:
        ResampledTrack | None: None where the track's rate is not known, is
        right as it is, or too low to tell what happened between frames.
    """
    times = track.seconds
    if times is None or len(track) < 4:
        return None
    rate = wanted_rate(times, fps)
    return None if rate is None else interpolated(track, rate)


def interpolated(track: KeypointTrack,
                 fps: float,
                 anchor: Optional[float] = None) -> ResampledTrack:
    """A track at another frame rate.

    Joints are interpolated by a cubic spline through those that were seen
    and, in gaps, straight lines; a joint counts as seen where it was in the
    nearest frame of the track.

    Args:
        track (KeypointTrack): F frames, at least 2, with a row for each, whose
            times are known.
        fps (float): The rate.
        anchor (float, optional): Seconds at which one of the new frames is to
            be. Defaults to having as little as possible of the track outside
            of the new ones.

    Returns:
        ResampledTrack: At least 1 frame.
    """
    times = track.seconds
    assert times is not None
    own = 1 / float(np.median(np.diff(times)))
    if anchor is None:
        count = int(np.floor((times[-1] - times[0]) * fps + 1e-6)) + 1
        # In the middle, so that no frame is far outside of them.
        spare = times[-1] - times[0] - (count - 1) / fps
        seconds = times[0] + spare / 2 + np.arange(count) / fps
    else:
        before = int(np.floor((anchor - times[0]) * fps + 1e-6))
        after = int(np.floor((times[-1] - anchor) * fps + 1e-6))
        seconds = anchor + np.arange(-before, after + 1) / fps
        count = len(seconds)
    place = np.interp(seconds, times, np.arange(len(times)))
    near = np.round(place).astype(int)
    filled, _ = bridge_gaps(track.keypoints, track.scores, len(track))
    points = CubicSpline(times, filled.astype(float), axis=0)(seconds)
    # Over a pause of the video nothing was seen.
    away = np.abs(seconds - times[near])
    seen = (track.scores[near] > 0) & (away <= max(.75 / own, REACH))[:, None]
    # Next to a gap one of the two neighbours has no score.
    scores = np.where(seen, _at(track.scores, place), 0)
    scores = np.where(seen, np.maximum(scores, track.scores[near] / 2), 0)
    mixtures = track.mixtures
    if mixtures is not None:
        mixtures = mixtures[near].copy()
        mixtures[..., 1:3] += (points - filled[near])[:, :, None]
    made = replace(
        track,
        keypoints=points,
        scores=scores,
        mixtures=mixtures,
        frame_ids=np.arange(count),
        fps=fps,
        step=1,
        times=None)
    return ResampledTrack(made, seconds, track)


def at_rate(
        track: KeypointTrack, fps: Optional[Rates]
) -> Tuple[KeypointTrack, Optional[ResampledTrack]]:
    """What to lift of a track, and how to come back from it.

    Args:
        track (KeypointTrack): With a row for each frame.
        fps (float, optional): The lifter's rate; None leaves the track.
    """
    made = None if fps is None else resampled(track, fps)
    return (track, None) if made is None else (made.track, made)


def _at(values: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Rows at fractional places, on straight lines between rows."""
    low = np.floor(place).astype(int)
    high = np.minimum(low + 1, len(values) - 1)
    share = (place - low).reshape(-1, *(1, ) * (values.ndim - 1))
    mixed = values[low] * (1 - share) + values[high] * share
    return mixed.astype(values.dtype)


def _rows(values: Optional[np.ndarray],
          rows: np.ndarray) -> Optional[np.ndarray]:
    return None if values is None else values[rows]
