# Copyright (c) mmdiffpose contributors. All rights reserved.
"""One person's 2D joints over a clip."""

import math
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Optional, Tuple

import numpy as np

from mmdiffpose.skeletons import H36M_17, Skeleton, map_joints
from mmdiffpose.skeletons.mixture_mapping import map_mixtures
from .option_checks import check_number
from .seen_joints import mark_unseen, scores_to_one

DEFAULT_FPS = 30.
"""Frames a second of clips that do not say it."""
MAX_FRAME = 2**40
"""The last frame that a video may have: a million frames a second for twelve
days."""
MAX_MISSING = 1000
"""Frames that a track may leave out for each frame that it has."""
_NO_MIXTURE = np.array([0, 0, 0, 1, 1], np.float32)
"""A component of a joint that was not seen."""


def seconds_of(frame_ids: np.ndarray, step: int, fps: Optional[float],
               times: Optional[np.ndarray]) -> Optional[np.ndarray]:
    """Times of frames.

    Args:
        frame_ids (np.ndarray): (F, ) where they stand in the video.
        step (int): From one frame id to the next.
        fps (float, optional): Frames of the track a second.
        times (np.ndarray, optional): (F, ) seconds, which come first.

    Returns:
        np.ndarray | None: (F, ) seconds from the video's start; None where
        neither is known.
    """
    if times is not None:
        return times
    return None if fps is None else frame_ids / (step * fps)


def checked_score_thr(score_thr: float) -> float:
    """A least score of joints that count as seen.

    Raises:
        ValueError: If it is no number from 0 to 1.
    """
    check_number('score_thr', score_thr, 0, 1)
    return float(score_thr)


@dataclass
class KeypointTrack:
    """One person's 2D joints over a clip, checked.

    Attributes:
        keypoints: (F, J, 2) float32, image pixels (x right, y down).
        scores: (F, J) float32 in [0, 1]; 0 for a joint that was not seen,
            whose coordinates mean nothing then and become 0.
            :func:`~.seen_joints.mark_unseen` says what counts as not seen.
            Those on other scales are brought to it, with a warning
            (:func:`~.seen_joints.score_scale`).
        image_size: Width and height in pixels.
        skeleton: The joint set, J joints.
        frame_ids: (F, ) int, increasing, where the frames stand in the video.
            Defaults to 0 to F - 1.
        fps: Frames a second, if known.
        track_id: Which person of the file this is, if it says so.
        source: Where the track came from; error messages start with it.
        mixtures: (F, J, M, 5) float32, what the detector's heatmaps say of
            where the joints are, if it has any: weight, mean u, mean v, std
            u, std v in pixels. Weights of a joint that was not seen are 0.
        step: Difference of neighbouring frame ids: n where the track has only
            every n-th frame of the video. ``fps`` counts the track's frames,
            not the video's.
        times: (F, ) float64, seconds, increasing, where the frames do not
            come at an even pace.
    """
    keypoints: np.ndarray
    scores: np.ndarray
    image_size: Tuple[int, int]
    skeleton: Skeleton
    frame_ids: np.ndarray = None  # type: ignore[assignment]
    fps: Optional[float] = None
    track_id: Optional[int] = None
    source: str = field(default='keypoints')
    mixtures: Optional[np.ndarray] = None
    step: int = 1
    times: Optional[np.ndarray] = None

    def __post_init__(self) -> None:
        self.keypoints = np.array(self.keypoints, np.float32)
        self.scores = np.array(self.scores, np.float32)
        if self.frame_ids is None:
            self.frame_ids = np.arange(len(self.keypoints))
        self.frame_ids = np.asarray(self.frame_ids)
        self._check_shapes()
        self._check_frame_ids()
        self._check_times()
        self.keypoints, self.scores = mark_unseen(self.keypoints, self.scores)
        unseen = self.scores == 0
        # Some detectors' scores (SimCC peaks) go a little over 1.
        self.scores = scores_to_one(self.scores, self.source).clip(0, 1)
        if unseen.all():
            raise ValueError(f'{self.source}: no joint was seen in any frame '
                             '(all scores are 0), there is nothing to lift')
        if self.mixtures is not None:
            self.mixtures = np.array(self.mixtures, np.float32)
            self._check_mixtures(self.mixtures, unseen)

    def __len__(self) -> int:
        return len(self.keypoints)

    @property
    def seconds(self) -> Optional[np.ndarray]:
        """(F, ) each frame's time, seconds; None where it is not known."""
        return seconds_of(self.frame_ids, self.step, self.fps, self.times)

    @property
    def present(self) -> np.ndarray:
        """(F, ) bool, frames in which any joint was seen."""
        return (self.scores > 0).any(1)

    def extent(self) -> float:
        """Sum over frames of the longer side of the box around the joints
        seen, pixels: who is largest and longest in the picture."""
        seen = (self.scores > 0)[..., None]
        low = np.where(seen, self.keypoints, np.inf).min(1)
        high = np.where(seen, self.keypoints, -np.inf).max(1)
        return float((high - low).max(1)[self.present].sum())

    def _check_shapes(self) -> None:
        J = self.skeleton.num_joints
        if self.keypoints.ndim != 3 or self.keypoints.shape[2] != 2:
            raise ValueError(
                f'{self.source}: expected keypoints of shape (frames, {J}, 2)'
                f', found {self.keypoints.shape}')
        if not len(self.keypoints):
            raise ValueError(f'{self.source} is empty: expected keypoints of '
                             'at least one frame, found 0 frames')
        if self.keypoints.shape[1] != J:
            raise ValueError(
                f'{self.source}: expected {J} joints (skeleton '
                f'{self.skeleton.name}), found {self.keypoints.shape[1]}')
        if self.scores.shape != self.keypoints.shape[:2]:
            raise ValueError(
                f'{self.source}: expected scores of shape '
                f'{self.keypoints.shape[:2]}, found {self.scores.shape}')
        size = np.asarray(self.image_size, float)
        if size.shape != (2, ) or not (np.isfinite(size) & (size > 0)).all():
            raise ValueError(f'{self.source}: expected an image size (width, '
                             f'height) in pixels, found {self.image_size}')
        self.image_size = (int(size[0]), int(size[1]))

    def _check_frame_ids(self) -> None:
        ids = self.frame_ids
        if ids.shape != (len(self.keypoints), ):
            raise ValueError(
                f'{self.source}: expected {len(self.keypoints)} frame ids, '
                f'found an array of shape {ids.shape}')
        if not np.issubdtype(ids.dtype, np.integer):
            raise ValueError(f'{self.source}: expected frame ids that are '
                             f'whole, found numbers of type {ids.dtype}')
        if ids.min() < 0 or ids.max() > MAX_FRAME:
            raise ValueError(f'{self.source}: expected frame ids from 0 on, '
                             f'up to {MAX_FRAME}, found {ids.min()} to '
                             f'{ids.max()}')
        back = np.flatnonzero(np.diff(ids) <= 0)
        if len(back):
            raise ValueError(
                f'{self.source}: expected frame ids that increase, found '
                f'{ids[back[0] + 1]} after {ids[back[0]]}')

    def _check_times(self) -> None:
        if self.step < 1:
            raise ValueError(f'{self.source}: expected a step of at least one '
                             f'from frame to frame, found {self.step}')
        if self.times is None:
            return
        self.times = np.asarray(self.times, np.float64)
        if self.times.shape != (len(self.keypoints), ):
            raise ValueError(
                f'{self.source}: expected {len(self.keypoints)} times, found '
                f'an array of shape {self.times.shape}')
        if not np.isfinite(self.times).all() or (np.diff(self.times)
                                                 <= 0).any():
            raise ValueError(f'{self.source}: expected times in seconds that '
                             'increase from frame to frame')

    def _check_mixtures(self, mixtures: np.ndarray,
                        unseen: np.ndarray) -> None:
        found = mixtures.shape
        if len(found) != 4 or found[:2] != unseen.shape or (found[3] != 5
                                                            or not found[2]):
            raise ValueError(
                f'{self.source}: expected mixtures of shape '
                f'{(*unseen.shape, "components", 5)}, found {found}')
        mixtures[unseen] = _NO_MIXTURE
        bad = ~np.isfinite(mixtures).all((2, 3))
        bad |= (mixtures[..., 0] < 0).any(2)
        bad |= (mixtures[..., 3:] <= 0).any((2, 3))
        bad |= ~unseen & (mixtures[..., 0].sum(2) <= 0)
        if bad.any():
            frame, joint = np.argwhere(bad)[0]
            raise ValueError(
                f'{self.source}: expected mixtures with weights that are not '
                'all 0, stds above 0 and finite numbers, found '
                f'{mixtures[frame, joint].tolist()} for '
                f'{self._name(frame, joint)}')

    def _name(self, frame: int, joint: int) -> str:
        return (f'joint {self.skeleton.joints[joint]} in frame '
                f'{self.frame_ids[frame]}')

    def to_skeleton(self, target: Skeleton) -> 'KeypointTrack':
        """The same track with another joint set's joints.

        Raises:
            ValueError: If there is no mapping to the target, or none of its
                joints was seen.
        """
        if self.skeleton.joints == target.joints:
            return self
        keypoints, scores = map_joints(self.keypoints, self.scores,
                                       self.skeleton, target)
        mixtures = self.mixtures
        if mixtures is not None:
            mixtures = map_mixtures(mixtures, self.skeleton, target,
                                    mixtures.shape[2])
        return replace(
            self,
            keypoints=keypoints,
            scores=scores,
            skeleton=target,
            mixtures=mixtures)

    def above(self, score_thr: float) -> Optional['KeypointTrack']:
        """The track without joints whose score is lower: they were not seen.

        Args:
            score_thr (float): From 0 to 1.

        Returns:
            KeypointTrack | None: None if none is left.

        Raises:
            ValueError: If there is no such threshold.
        """
        if not checked_score_thr(score_thr):
            return self
        scores = np.where(self.scores < score_thr, 0, self.scores)
        return replace(self, scores=scores) if scores.any() else None

    def for_lifter(self,
                   joints: Skeleton = H36M_17) -> Optional['KeypointTrack']:
        """The track with a lifter's joints; None if none of them was seen.

        A person of whom a detector saw no more than a toe has no joint that
        a lifter knows.

        Args:
            joints (Skeleton): The lifter's. Defaults to Human3.6M's.

        Raises:
            ValueError: If there is no mapping.
        """
        _, scores = map_joints(self.keypoints, self.scores, self.skeleton,
                               joints)
        return self.to_skeleton(joints) if scores.any() else None

    def part(self, start: int, stop: int) -> 'KeypointTrack':
        """Rows ``start`` to before ``stop``."""
        rows = slice(start, stop)
        return replace(
            self,
            keypoints=self.keypoints[rows],
            scores=self.scores[rows],
            frame_ids=self.frame_ids[rows],
            times=None if self.times is None else self.times[rows],
            mixtures=None if self.mixtures is None else self.mixtures[rows])

    def dense(self, step: Optional[int] = None) -> 'KeypointTrack':
        """The track with a row for each frame from its first to its last.

        Frames that it leaves out get scores of 0.

        Args:
            step (int, optional): From one frame id to the next. Defaults to
                the track's, where that is more than 1, else to the largest
                that meets every frame: a track of every n-th frame has no
                gaps, only a lower frame rate.

        Raises:
            ValueError: If hardly any of those frames is in the track.
        """
        ids = self.frame_ids
        if step is None and self.step > 1:
            step = self.step
        step = step or reduce(math.gcd, np.diff(ids).tolist(), 0) or 1
        rows = (ids - ids[0]) // step
        F = int(rows[-1]) + 1
        if F == len(self):
            return replace(self, step=step)
        if F > MAX_MISSING * len(rows):
            raise ValueError(
                f'{self.source}: expected a clip, found {len(rows)} frames '
                f'between frame {ids[0]} and {ids[-1]}')

        def spread(values: np.ndarray, fill: float = 0) -> np.ndarray:
            filled = np.full((F, *values.shape[1:]), fill, np.float32)
            filled[rows] = values
            return filled

        return replace(
            self,
            keypoints=spread(self.keypoints),
            scores=spread(self.scores),
            frame_ids=ids[0] + step * np.arange(F),
            step=step,
            times=None if self.times is None else np.interp(
                np.arange(F), rows, self.times),
            mixtures=None if self.mixtures is None else spread(
                self.mixtures, 1))
