# Copyright (c) mmdiffpose contributors. All rights reserved.
"""A seeded model of what a 2D pose detector gets wrong.

Motion capture has no images, so its 2D keypoints are projections plus this
noise. One generative story makes keypoints, scores and heatmap-like mixtures,
so that the three agree:

1. *Jitter.* Each joint's error is Gaussian with a standard deviation
   ``joint_sigma * size * difficulty``. ``size`` scales with the person's
   size in the image; ``difficulty`` is log-normal and wanders slowly. Of the
   error's variance, ``correlated_share`` is a first-order autoregressive
   process with ``correlation_time``, the rest is white from frame to frame:
   a detector sees almost the same image twice and errs alike.
2. *Ambiguity.* Now and then a heatmap has two modes: a single joint's second
   mode lies ``distractor_radius`` away, or a pair of limbs is confused left
   with right. During such an episode one mode holds the weight w, drawn
   uniformly from ``main_weight``, and it is the true one *with probability
   w*. The detection is the heavier mode. Outliers and left/right swaps are
   the episodes in which the heavier mode is the wrong one.
3. *Score.* The heavier mode's weight, lowered where the heatmap is wide,
   times log-normal noise. It knows the error's scale, never the error.

The mixture is a calibrated statement by construction: the truth lies in a
mode as often as its weight says and as close as its width says (widths are
known up to ``width_noise``). Nothing in it tells which mode is true beyond
the weights. Real heatmaps are less well calibrated.

Calibration of the scale: see :data:`PUBLISHED_ERROR_PX`.
"""

import zlib
from dataclasses import dataclass
from typing import NamedTuple, Tuple

import numpy as np
from scipy.signal import lfilter

from mmdiffpose.skeletons import H36M_17

PUBLISHED_ERROR_PX = 7.36
"""Mean 2D error in px of a detector trained on Human3.6M: HRNet-W48, EPE 7.36
on Human3.6M's test subjects, MMPose 0.x model zoo. The default noise is
scaled to this mean for a person at Human3.6M's distance."""

REFERENCE_PX_PER_METRE = 1145 / 5
"""Scale at which ``joint_sigma`` holds: focal length 1145 px, 5 m away."""

_JOINT_SIGMA = (
    # root, right leg, left leg: the end joints are the noisiest
    *(4.5, 5.0, 5.2, 6.5, 5.0, 5.2, 6.5),
    # spine, thorax, neck base, head
    *(4.7, 4.1, 4.1, 4.5),
    # left arm, right arm
    *(5.0, 6.5, 8.3, 5.0, 6.5, 8.3))

# Joints that change places when a detector takes one limb for the other.
_LEGS = ((1, 4), (2, 5), (3, 6))
_ARMS = ((11, 14), (12, 15), (13, 16))


class Detections(NamedTuple):
    """Simulated detections of one track.

    Attributes:
        keypoints: (F, J, 2) detected positions in px.
        scores: (F, J) in [0, 1].
        mixtures: (F, J, 2, 5) [weight, mean_u, mean_v, std_u, std_v] in px,
            the detection's mode first; weights sum to one.
    """
    keypoints: np.ndarray
    scores: np.ndarray
    mixtures: np.ndarray


@dataclass(frozen=True)
class DetectorNoise:
    """Parameters of the detector-noise model (see the module's docstring).

    Attributes:
        joint_sigma: Standard deviation per axis of each of the 17 joints in
            px, for a person at :data:`REFERENCE_PX_PER_METRE`.
        fps: Frames per second of the tracks.
        correlated_share: Share of the jitter's variance that is correlated
            in time, in [0, 1].
        correlation_time: Seconds until that correlation falls to 1/e.
        difficulty: Standard deviation of the log of the difficulty.
        difficulty_time: Seconds until its correlation falls to 1/e.
        distractor_rate: Ambiguous episodes per joint and second.
        distractor_radius: Root mean square distance of a distractor in px
            per axis, at the reference scale.
        swap_rate: Left/right episodes per pair of limbs and second.
        episode_time: Mean duration of an episode in seconds.
        main_weight: Range of the heavier mode's weight.
        width_noise: Standard deviation of the log of reported over true
            width.
        score_noise: Standard deviation of the log of the score's noise.
        scale: Factor on all distances, 0 for perfect detections.
    """
    joint_sigma: Tuple[float, ...] = _JOINT_SIGMA
    fps: float = 50.
    correlated_share: float = .7
    correlation_time: float = .15
    difficulty: float = .4
    difficulty_time: float = .5
    distractor_rate: float = .15
    distractor_radius: float = 28.
    swap_rate: float = .12
    episode_time: float = .12
    main_weight: Tuple[float, float] = (.55, .95)
    width_noise: float = .15
    score_noise: float = .08
    scale: float = 1.

    def __post_init__(self) -> None:
        if len(self.joint_sigma) != H36M_17.num_joints:
            raise ValueError(
                f'joint_sigma: expected {H36M_17.num_joints} values, found '
                f'{len(self.joint_sigma)}')
        low, high = self.main_weight
        if not .5 <= low <= high <= 1:
            raise ValueError('main_weight: expected 0.5 <= low <= high <= 1, '
                             f'found {self.main_weight}')
        if not 0 <= self.correlated_share <= 1:
            raise ValueError('correlated_share: expected a value in [0, 1], '
                             f'found {self.correlated_share}')

    def detect(self, keypoints: np.ndarray, px_per_metre: np.ndarray,
               rng: np.random.Generator) -> Detections:
        """Simulates a detector on one track.

        Args:
            keypoints: (F, 17, 2) true positions in px, consecutive frames.
            px_per_metre: (F,) focal length over the pelvis' depth.
            rng: Source of all randomness.

        Returns:
            Detections of the F frames.
        """
        frames, joints = keypoints.shape[:2]
        size = self.scale * px_per_metre / REFERENCE_PX_PER_METRE
        difficulty = np.exp(self.difficulty * self._correlated(
            rng, (frames, joints), self.difficulty_time))
        sigma = np.array(self.joint_sigma) * size[:, None] * difficulty
        true_mode = keypoints + sigma[..., None] * self._jitter(
            rng, (frames, joints, 2))
        other_mode = keypoints + sigma[..., None] * self._jitter(
            rng, (frames, joints, 2))
        width = sigma * np.exp(
            self.width_noise * rng.standard_normal(sigma.shape))
        other_width = width.copy()

        weight, truth_is_main, shift = self._distractors(rng, frames, joints)
        other_mode += shift * size[:, None, None]
        for limbs in (_LEGS, _ARMS):
            swapped, swap_weight, swap_truth = self._episodes(
                rng, frames, self.swap_rate)
            order = list(range(joints))
            for left, right in limbs:
                order[left], order[right] = right, left
            members = np.zeros(joints, bool)
            members[np.array(limbs).ravel()] = True
            mask = swapped[:, None] & members
            weight = np.where(mask, swap_weight[:, None], weight)
            truth_is_main = np.where(mask, swap_truth[:, None], truth_is_main)
            other_mode = np.where(mask[..., None], true_mode[:, order],
                                  other_mode)
            other_width = np.where(mask, width[:, order], other_width)

        modes = np.stack([true_mode, other_mode], axis=2)
        widths = np.stack([width, other_width], axis=2)
        modes = np.where(truth_is_main[..., None, None], modes,
                         modes[:, :, ::-1])
        widths = np.where(truth_is_main[..., None], widths, widths[..., ::-1])
        weights = np.stack([weight, 1 - weight], axis=2)
        mixtures = np.concatenate([
            weights[..., None], modes,
            np.repeat(np.maximum(widths, 1e-3)[..., None], 2, axis=-1)
        ], axis=-1)  # yapf: disable
        return Detections(
            keypoints=modes[:, :, 0].astype(np.float32),
            scores=self._scores(rng, weight, widths[..., 0], size),
            mixtures=mixtures.astype(np.float32))

    def _correlated(self, rng: np.random.Generator, shape: Tuple[int, ...],
                    time: float) -> np.ndarray:
        """Stationary AR(1) process of unit variance along axis 0."""
        decay = np.exp(-1 / (self.fps * time))
        noise = rng.standard_normal(shape) * np.sqrt(1 - decay**2)
        start = decay * rng.standard_normal((1, ) + shape[1:])
        return lfilter([1.], [1., -decay], noise, axis=0, zi=start)[0]

    def _jitter(self, rng: np.random.Generator,
                shape: Tuple[int, ...]) -> np.ndarray:
        """Unit-variance errors, partly correlated in time."""
        return (np.sqrt(self.correlated_share) *
                self._correlated(rng, shape, self.correlation_time) +
                np.sqrt(1 - self.correlated_share) *
                rng.standard_normal(shape))

    def _episodes(
        self, rng: np.random.Generator, frames: int, rate: float
    ) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Ambiguous episodes of one joint or limb pair.

        Returns:
            (F,) bool in an episode; (F,) heavier mode's weight, 1 outside;
            (F,) bool whether the heavier mode is the true one.
        """
        # Episodes may have begun before the first frame.
        lead = int(4 * self.episode_time * self.fps) + 1
        total = lead + frames
        active, weight = np.zeros(total, bool), np.ones(total)
        truth = np.ones(total, bool)
        starts = np.flatnonzero(rng.random(total) < rate / self.fps)
        for start in starts:
            length = rng.geometric(1 / max(1., self.episode_time * self.fps))
            span = slice(start, start + length)
            active[span] = True
            weight[span] = main = rng.uniform(*self.main_weight)
            truth[span] = rng.random() < main
        return active[lead:], weight[lead:], truth[lead:]

    def _distractors(
            self, rng: np.random.Generator, frames: int,
            joints: int) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Weights (F, J), truth flags (F, J) and shifts (F, J, 2)."""
        columns = [
            self._episodes(rng, frames, self.distractor_rate)
            for _ in range(joints)
        ]
        active, weight, truth = (np.stack(part, axis=1)
                                 for part in zip(*columns))
        shift = self._correlated(rng, (frames, joints, 2), 1.)
        return weight, truth, self.distractor_radius * shift * active[..., None]

    def _scores(self, rng: np.random.Generator, weight: np.ndarray,
                width: np.ndarray, size: np.ndarray) -> np.ndarray:
        """Scores (F, J) from weight and relative width of the main mode."""
        nominal = np.mean(self.joint_sigma) * np.maximum(size, 1e-6)[:, None]
        sharpness = np.exp(-.12 * (width / nominal)**1.5)
        noise = np.exp(self.score_noise * rng.standard_normal(weight.shape))
        return np.clip(weight * sharpness * noise, 0, 1).astype(np.float32)


def noise_generator(seed: int, *names: str) -> np.random.Generator:
    """Generator that depends on a seed and on names, not on any order.

    Args:
        seed: User's seed.
        names: For example subject, clip and camera.

    Returns:
        A fresh generator, the same for the same arguments on any machine.
    """
    return np.random.default_rng(
        [seed] + [zlib.crc32(name.encode()) for name in names])


def mean_pixel_error(keypoints: np.ndarray, truth: np.ndarray) -> float:
    """Mean distance in px between detections and truth, (..., 2) each."""
    return float(np.linalg.norm(keypoints - truth, axis=-1).mean())
