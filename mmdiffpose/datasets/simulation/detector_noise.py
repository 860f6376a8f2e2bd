# Copyright (c) mmdiffpose contributors. All rights reserved.
"""A seeded model of what a 2D pose detector gets wrong.

Motion capture has no images, so its 2D keypoints are projections plus this
noise. One generative story makes keypoints, scores and heatmap-like mixtures,
so that the three agree:

1. *Jitter.* Each joint's error is Gaussian with a standard deviation
   ``joint_sigma * size * difficulty``. ``size`` is the person's in the image,
   as a top-down detector's heatmap has a fixed number of pixels for the
   person's box, and says nothing about metres; ``difficulty`` is log-normal
   and wanders slowly. Of the
   error's variance, ``correlated_share`` is a first-order autoregressive
   process with ``correlation_time``, the rest is white from frame to frame:
   a detector sees almost the same image twice and errs alike.
2. *Ambiguity.* Now and then a heatmap has two modes: a single joint's second
   mode lies some way off (``distractor_radius``), or limbs are confused left
   with right. During such an episode one mode holds the weight w, drawn
   uniformly from ``main_weight``, and it is the true one *with probability
   w*. The detection is the heavier mode. Outliers and left/right swaps are
   the episodes in which the heavier mode is the wrong one.
3. *Score.* The heavier mode's weight, lowered where the heatmap is wide,
   times log-normal noise. It knows the error's scale, never the error.

The mixture is a calibrated statement by construction: the truth lies in a
mode as often as its weight says and as close as its width says (widths are
known up to ``width_noise``). Nothing in it tells which mode is true beyond
the weights, and where there is one mode, the second is a copy of it with
weight zero. Real heatmaps are less well calibrated.

Calibration of the scale: see :data:`PUBLISHED_ERROR_PX`.
"""

import zlib
from dataclasses import dataclass
from typing import List, NamedTuple, Tuple

import numpy as np
from scipy.signal import lfilter

from mmdiffpose.skeletons import H36M_17

PUBLISHED_ERROR_PX = 7.36
"""Mean 2D error in px of a detector trained on Human3.6M: HRNet-W48, EPE 7.36
on Human3.6M (MMPose 0.x model zoo, 2D body keypoints, HRNet on Human3.6M;
HRNet-W32 has 9.43). It is the source of the scale because we found no 2D error
in pixels for the CPN detections that lifting papers use. The default noise has
this mean on mocap-mini, whose people are seen as large as Human3.6M's."""

REFERENCE_SIZE_PX = 400.
"""Larger side of the person's box at which ``joint_sigma`` holds: a standing
person in Human3.6M's images."""

_JOINT_SIGMA = (
    # root, right leg, left leg: the end joints are the noisiest
    *(5.5, 6.0, 6.3, 7.9, 6.0, 6.3, 7.9),
    # spine, thorax, neck base, head
    *(5.7, 5.0, 5.0, 5.5),
    # left arm, right arm
    *(6.0, 7.9, 10.1, 6.0, 7.9, 10.1))

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
            px, for a person of :data:`REFERENCE_SIZE_PX`.
        fps: Frames per second of the tracks.
        correlated_share: Share of the jitter's variance that is correlated
            in time, in [0, 1].
        correlation_time: Seconds until that correlation falls to 1/e.
        difficulty: Standard deviation of the log of the difficulty.
        difficulty_time: Seconds until its correlation falls to 1/e.
        distractor_rate: Ambiguous episodes per joint and second.
        distractor_radius: Least distance of a distractor in px at the
            reference size; the mean is 2.25 times that.
        swap_rate: Left/right episodes per pair of limbs and second.
        episode_time: Mean duration of an episode in seconds.
        main_weight: Range of the heavier mode's weight.
        width_noise: Standard deviation of the log of reported over true
            width.
        score_noise: Standard deviation of the log of the score's noise.
        scale: Factor on jitter and distractors (swaps stay).
    """
    joint_sigma: Tuple[float, ...] = _JOINT_SIGMA
    fps: float = 50.
    correlated_share: float = .7
    correlation_time: float = .15
    difficulty: float = .4
    difficulty_time: float = .5
    distractor_rate: float = .15
    distractor_radius: float = 20.
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

    def detect(self, keypoints: np.ndarray,
               rng: np.random.Generator) -> Detections:
        """Simulates a detector on one track.

        Args:
            keypoints: (F, 17, 2) true positions in px, consecutive frames.
            rng: Source of all randomness.

        Returns:
            Detections of the F frames.
        """
        size = self.scale * np.ptp(
            keypoints, axis=1).max(axis=-1) / REFERENCE_SIZE_PX
        sigma = self._sigma(rng, keypoints.shape[:2]) * size[:, None]
        jitter, other_jitter = (
            sigma[..., None] * self._jitter(rng, keypoints.shape)
            for _ in range(2))
        width = sigma * np.exp(
            self.width_noise * rng.standard_normal(sigma.shape))
        true_mode = keypoints + jitter

        weight, truth_is_main, shift = self._distractors(rng, *sigma.shape)
        other_mode = np.where(
            (weight < 1)[..., None],
            true_mode - jitter + other_jitter + shift * size[:, None, None],
            true_mode)
        other_width = width
        for limbs in (_LEGS, _ARMS):
            mask, order, limb_weight, limb_truth = self._swaps(
                rng, limbs, *sigma.shape)
            weight = np.where(mask, limb_weight, weight)
            truth_is_main = np.where(mask, limb_truth, truth_is_main)
            other_mode = np.where(mask[..., None], true_mode[:, order],
                                  other_mode)
            other_width = np.where(mask, width[:, order], other_width)

        swap = ~truth_is_main
        mixtures = _mixture(weight,
                            *_exchange(swap[..., None], true_mode, other_mode),
                            *_exchange(swap, width, other_width))
        return Detections(
            keypoints=mixtures[:, :, 0, 1:3].astype(np.float32),
            scores=self._scores(rng, weight, mixtures[:, :, 0, 3], size),
            mixtures=mixtures.astype(np.float32))

    def _sigma(self, rng: np.random.Generator,
               shape: Tuple[int, ...]) -> np.ndarray:
        """Standard deviations (F, J) of the jitter at the reference size."""
        wander = self._correlated(rng, shape, self.difficulty_time)
        return np.array(self.joint_sigma) * np.exp(self.difficulty * wander)

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
        return (
            np.sqrt(self.correlated_share) *
            self._correlated(rng, shape, self.correlation_time) +
            np.sqrt(1 - self.correlated_share) * rng.standard_normal(shape))

    def _episodes(self, rng: np.random.Generator, shape: Tuple[int, int],
                  rate: float) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Ambiguous episodes of joints or limb pairs, one per column.

        Returns:
            (F, N) bool in an episode; (F, N) heavier mode's weight, 1
            outside; (F, N) bool whether the heavier mode is the true one.
        """
        # Episodes may have begun before the first frame.
        lead = int(4 * self.episode_time * self.fps) + 1
        total, columns = lead + shape[0], shape[1]
        active = np.zeros((total, columns), bool)
        weight, truth = np.ones((total, columns)), ~active
        # How much is drawn depends on the draws, so columns take turns.
        for column in range(columns):
            begins = rng.random(total) < rate / self.fps
            for start in np.flatnonzero(begins):
                length = rng.geometric(1 /
                                       max(1., self.episode_time * self.fps))
                span = slice(start, start + length), column
                active[span] = True
                weight[span] = main = rng.uniform(*self.main_weight)
                truth[span] = rng.random() < main
        return active[lead:], weight[lead:], truth[lead:]

    def _distractors(self, rng: np.random.Generator, frames: int,
                     joints: int) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Weights (F, J), truth flags (F, J) and shifts (F, J, 2)."""
        _, weight, truth = self._episodes(rng, (frames, joints),
                                          self.distractor_rate)
        drift = self._correlated(rng, (frames, joints, 2), 1.)
        # At least the radius away: closer modes would be one mode.
        direction = drift / np.linalg.norm(drift, axis=-1, keepdims=True)
        return weight, truth, self.distractor_radius * (drift + direction)

    def _swaps(
            self, rng: np.random.Generator, limbs: Tuple[Tuple[int, int], ...],
            frames: int, joints: int
    ) -> Tuple[np.ndarray, List[int], np.ndarray, np.ndarray]:
        """Left/right confusions of one pair of limbs.

        Returns:
            (F, J) bool where joints are confused; the order of the joints
            with the limbs exchanged; (F, 1) weights; (F, 1) truth flags.
        """
        active, weight, truth = self._episodes(rng, (frames, 1),
                                               self.swap_rate)
        order = list(range(joints))
        for left, right in limbs:
            order[left], order[right] = right, left
        members = np.array(order) != np.arange(joints)
        return active & members, order, weight, truth

    def _scores(self, rng: np.random.Generator, weight: np.ndarray,
                width: np.ndarray, size: np.ndarray) -> np.ndarray:
        """Scores (F, J) from weight and relative width of the main mode."""
        nominal = np.mean(self.joint_sigma) * np.maximum(size, 1e-6)[:, None]
        sharpness = np.exp(-.12 * (width / nominal)**1.5)
        noise = np.exp(self.score_noise * rng.standard_normal(weight.shape))
        return np.clip(.95 * weight * sharpness * noise, 0,
                       1).astype(np.float32)


def _exchange(mask: np.ndarray, first: np.ndarray,
              second: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """The two arrays, the other way round where the mask is True."""
    return np.where(mask, second, first), np.where(mask, first, second)


def _mixture(weight: np.ndarray, main: np.ndarray, other: np.ndarray,
             main_width: np.ndarray, other_width: np.ndarray) -> np.ndarray:
    """Two-component mixtures (F, J, 2, 5) from weights (F, J), modes
    (F, J, 2) and widths (F, J)."""
    mixtures = np.empty((*weight.shape, 2, 5))
    parts = ((weight, main, main_width), (1 - weight, other, other_width))
    for i, (share, mode, width) in enumerate(parts):
        mixtures[:, :, i, 0] = share
        mixtures[:, :, i, 1:3] = mode
        # A width of zero would be a density without bound.
        mixtures[:, :, i, 3:] = np.maximum(width, 1e-3)[..., None]
    return mixtures


def noise_generator(seed: int, *names: str) -> np.random.Generator:
    """Generator that depends on a seed and on names, not on any order.

    Args:
        seed: User's seed.
        names: For example subject, clip and camera.

    Returns:
        A fresh generator, the same for the same arguments on any machine.
    """
    return np.random.default_rng([seed] +
                                 [zlib.crc32(name.encode()) for name in names])


def mean_pixel_error(keypoints: np.ndarray, truth: np.ndarray) -> float:
    """Mean distance in px between detections and truth, (..., 2) each."""
    return float(np.linalg.norm(keypoints - truth, axis=-1).mean())
