# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What a 2D detector makes of many windows at once.

:mod:`~mmdiffpose.datasets.simulation.detector_noise` simulates one track at a
time, for benchmark files. Training on views that are drawn anew needs
thousands of windows a second and more kinds of failure:

1. *Jitter* as there: Gaussian, ``joint_sigma`` for a person of 400 px, in
   part correlated in time, times a difficulty that wanders slowly. Besides, a
   *level* for the whole window: detectors differ. Both factors are
   log-normal, so errors have heavier tails than a Gaussian.
2. *Outliers*: for a while a joint is somewhere else, at least
   ``outlier_radius`` away, exponentially more.
3. *Swaps*: for a while the legs, the arms or both are taken for each other.
4. *Self-occlusion*: a detector guesses joints that a limb or the trunk hides;
   their jitter is larger.
5. *The picture's edge*: joints outside are missing, or are put onto the edge,
   with a low score.
6. *Scores* fall with a joint's error, as far as a detector knows it: with the
   root mean square of its expected and its actual error. A joint whose score
   is below a threshold, drawn for each window, is missing: users have
   thresholds.
7. *Conventions*: where a hip, a shoulder or the neck is, data sets of pictures
   and motion capture see differently, and some joints are made of others. For
   the whole window hips, shoulders and head lie higher or lower on the trunk,
   and each joint has an offset of its own.
"""

from dataclasses import dataclass
from typing import NamedTuple, Optional, Tuple

import numpy as np

from mmdiffpose.skeletons import H36M_17
from .detector_noise import REFERENCE_SIZE_PX, DetectorNoise
from .keyed_draws import KeyedDraws
from .random_cameras import fold_joints

_LEGS = ((1, 4), (2, 5), (3, 6))
_ARMS = ((11, 14), (12, 15), (13, 16))
_SWAPS = (_LEGS, _ARMS, _LEGS + _ARMS)
_EPISODES = H36M_17.num_joints + len(_SWAPS)

_ALONG_TRUNK = (((0, 1, 4), .05), ((8, 11, 14), .05), ((9, 10), .1))
"""Joints that a convention moves together along the trunk, and the standard
deviation as a share of the trunk's length: hips, shoulders, head."""

_OWN_OFFSET = .6
"""Standard deviation of a joint's own offset, in its ``joint_sigma``."""


class WindowDetections(NamedTuple):
    """Simulated detections of B windows.

    Attributes:
        keypoints: (B, T, J, 2) pixels; meaningless where not seen.
        scores: (B, T, J) in [0, 1], 0 where not seen.
        seen: (B, T, J) bool.
    """
    keypoints: np.ndarray
    scores: np.ndarray
    seen: np.ndarray


@dataclass(frozen=True)
class WindowNoise:
    """Parameters; see the module's docstring.

    Attributes:
        joint_sigma: Standard deviations per axis of the 17 joints in px, for
            a person of 400 px.
        level: Std of the log of a window's level.
        difficulty: Std of the log of a joint's difficulty.
        difficulty_time: Seconds until its correlation falls to 1/e.
        correlated_share: Share of the jitter's variance that is correlated.
        correlation_time: Seconds until that correlation falls to 1/e.
        outlier_rate: Outlier episodes per joint and second.
        outlier_radius: Least distance of an outlier in px for a person of 400
            px; the mean is three times that.
        swap_rates: Episodes per second of swapped legs, arms and both.
        episode_time: Mean duration of an episode in seconds.
        hidden_factor: The jitter of joints behind the person's own body is
            so many times as large.
        edge_missing: Share of joints outside the picture that are missing.
        score_noise: Std of the log of the score's noise.
        threshold: Range of the score below which joints are missing.
        scale: Factor on jitter and outliers.
        conventions: Factor on the offsets of a window; none with 0.
    """
    joint_sigma: Tuple[float, ...] = DetectorNoise.joint_sigma
    level: float = .35
    difficulty: float = .5
    difficulty_time: float = .5
    correlated_share: float = .7
    correlation_time: float = .15
    outlier_rate: float = .06
    outlier_radius: float = 20.
    swap_rates: Tuple[float, float, float] = (.05, .04, .03)
    episode_time: float = .2
    hidden_factor: float = 2.
    edge_missing: float = .7
    score_noise: float = .1
    threshold: Tuple[float, float] = (0., .35)
    scale: float = 1.
    conventions: float = 0.

    def __post_init__(self) -> None:
        if len(self.joint_sigma) != H36M_17.num_joints:
            raise ValueError(
                f'joint_sigma: expected {H36M_17.num_joints} values, found '
                f'{len(self.joint_sigma)}')
        if len(self.swap_rates) != len(_SWAPS):
            raise ValueError('swap_rates: expected three (legs, arms, both), '
                             f'found {self.swap_rates}')
        for name in ('correlated_share', 'edge_missing'):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f'{name}: expected a value in [0, 1], found '
                                 f'{getattr(self, name)}')

    def words(self, frames: int) -> int:
        """Random numbers that a window of so many frames takes."""
        joints = H36M_17.num_joints
        offsets = 2 * joints + len(_ALONG_TRUNK) if self.conventions else 0
        return frames * joints * 6 + 3 * _EPISODES + 4 * joints + 2 + offsets

    def detect(self,
               draws: KeyedDraws,
               truth: np.ndarray,
               size: np.ndarray,
               fps: np.ndarray,
               hidden: Optional[np.ndarray] = None) -> WindowDetections:
        """Simulate a detector.

        Args:
            draws: Source of randomness.
            truth: (B, T, 17, 2) float32 true positions in pixels.
            size: (B, 2) width and height of the pictures in pixels.
            fps: (B,) frames a second.
            hidden: (B, T, 17) bool, joints that the body hides; none if not
                given.
        """
        B, T, J = truth.shape[:3]
        extent = fold_joints(np.maximum, truth)
        extent -= fold_joints(np.minimum, truth)
        extent = np.maximum(extent[..., 0], extent[..., 1])
        unit = extent * np.float32(self.scale / REFERENCE_SIZE_PX)
        level = np.exp(self.level * draws.normal())
        wander = _correlated(draws.normal(T, J), fps * self.difficulty_time)
        sigma = np.array(self.joint_sigma, np.float32) * np.exp(
            self.difficulty * wander) * (unit * level[:, None])[..., None]
        if hidden is not None:
            sigma *= 1 + np.float32(self.hidden_factor - 1) * hidden

        active = self._episodes(draws, T, fps)
        error = self._jitter(draws, (T, J, 2), fps) * sigma[..., None]
        error += self._outliers(draws, active[..., :J], unit)
        aim = truth
        if self.conventions:
            aim = truth + self._offsets(draws, truth, extent)
        found = aim + error
        _swap(found, active[..., J:])
        error = found - aim
        wrong = (error[..., 0]**2 + error[..., 1]**2) / 2
        width = np.sqrt((sigma * sigma + wrong) / 2)
        nominal = np.float32(np.mean(self.joint_sigma)) * np.maximum(
            unit, 1e-6)[..., None]
        scores = self._scores(draws, width / nominal)
        seen = self._edge(draws, truth, found, scores, size)
        low, high = self.threshold
        threshold = low + (high - low) * draws.uniform()
        seen &= scores >= threshold[:, None, None]
        scores *= seen
        return WindowDetections(found, scores, seen)

    def _jitter(self, draws: KeyedDraws, shape: Tuple[int, ...],
                fps: np.ndarray) -> np.ndarray:
        """Unit-variance errors, partly correlated in time."""
        slow = _correlated(draws.normal(*shape), fps * self.correlation_time)
        slow *= np.float32(np.sqrt(self.correlated_share))
        white = draws.normal(*shape)
        white *= np.float32(np.sqrt(1 - self.correlated_share))
        slow += white
        return slow

    def _episodes(self, draws: KeyedDraws, frames: int,
                  fps: np.ndarray) -> np.ndarray:
        """Where episodes are under way, (B, T, joints and swaps) bool.

        One episode per window and kind at most; it may have begun before.
        """
        mean = np.maximum(self.episode_time * fps, 1)[:, None]
        rates = np.array([self.outlier_rate] * H36M_17.num_joints +
                         list(self.swap_rates), np.float32)
        span = (frames + mean) / fps[:, None]
        happens = draws.uniform(_EPISODES) < 1 - np.exp(-rates * span)
        start = draws.uniform(_EPISODES) * (frames + mean) - mean
        length = -mean * np.log(draws.uniform(_EPISODES))
        end = np.where(happens, start + np.maximum(length, 1), -np.inf)
        time = np.arange(frames, dtype=np.float32)[:, None]
        return (time >= start[:, None]) & (time < end[:, None])

    def _outliers(self, draws: KeyedDraws, active: np.ndarray,
                  unit: np.ndarray) -> np.ndarray:
        """Offsets (B, T, J, 2) of joints that are somewhere else."""
        joints = active.shape[-1]
        angle = draws.uniform(joints) * np.float32(2 * np.pi)
        radius = self.outlier_radius * (1 - 2 * np.log(draws.uniform(joints)))
        way = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
        way *= radius[..., None]
        strength = active * unit[..., None]
        return strength[..., None] * way[:, None]

    def _offsets(self, draws: KeyedDraws, truth: np.ndarray,
                 extent: np.ndarray) -> np.ndarray:
        """Offsets (B, T, J, 2) of another convention of joints."""
        own = draws.normal(truth.shape[2], 2)
        own *= np.array(self.joint_sigma, np.float32)[:, None]
        own *= np.float32(_OWN_OFFSET * self.conventions / REFERENCE_SIZE_PX)
        offsets = own[:, None] * extent[..., None, None]
        trunk = (truth[:, :, 8] - truth[:, :, 0])[:, :, None]
        shares = draws.normal(len(_ALONG_TRUNK)) * np.float32(self.conventions)
        for (joints, std), share in zip(_ALONG_TRUNK, shares.T):
            offsets[:, :, list(joints)] += (
                trunk * (np.float32(std) * share)[:, None, None, None])
        return offsets

    def _scores(self, draws: KeyedDraws, width: np.ndarray) -> np.ndarray:
        """Scores (B, T, J) for widths relative to the usual one."""
        noise = draws.normal(*width.shape[1:])
        width = np.minimum(width, 7)  # a score of some 0.1 at least
        loss = np.float32(.12) * width * np.sqrt(width)
        scores = .95 * np.exp(self.score_noise * noise - loss)
        return np.clip(scores, 0, 1).astype(np.float32)

    def _edge(self, draws: KeyedDraws, truth: np.ndarray, found: np.ndarray,
              scores: np.ndarray, size: np.ndarray) -> np.ndarray:
        """Joints outside the picture; changes ``found`` and ``scores``."""
        limit = size[:, None, None] - 1
        outside = (truth < 0) | (truth > limit)
        outside = outside[..., 0] | outside[..., 1]
        missing = draws.uniform(truth.shape[2]) < self.edge_missing
        lowered = .2 + .4 * draws.uniform(truth.shape[2])
        np.clip(found, 0, limit, out=found)
        scores *= np.where(outside, lowered[:, None], np.float32(1))
        return ~(outside & missing[:, None])


def _correlated(noise: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """Stationary AR(1) process of unit variance, in place.

    Args:
        noise: (B, T, ...) standard normal.
        frames: (B,) frames until the correlation falls to 1/e.
    """
    decay = np.exp(-1 / np.maximum(frames, 1e-6)).astype(np.float32)
    decay = decay.reshape(-1, *[1] * (noise.ndim - 2))
    fresh = np.sqrt(1 - decay * decay)
    for step in range(1, noise.shape[1]):
        noise[:, step] *= fresh
        noise[:, step] += decay * noise[:, step - 1]
    return noise


def _swap(found: np.ndarray, active: np.ndarray) -> None:
    """Exchange limbs in place where their episodes are under way."""
    for kind, limbs in enumerate(_SWAPS):
        windows, frames = np.nonzero(active[..., kind])
        if len(windows):
            first, second = (list(side) for side in zip(*limbs))
            order = np.arange(found.shape[2])
            order[first], order[second] = second, first
            found[windows, frames] = found[windows, frames][:, order]
