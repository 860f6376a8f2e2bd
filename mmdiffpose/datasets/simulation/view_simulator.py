# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Windows of motion as ever new cameras and detectors see them."""

from dataclasses import dataclass, field
from typing import (Any, Dict, List, Mapping, NamedTuple, Optional, Sequence,
                    Tuple)

import numpy as np

from mmdiffpose.datasets.world_motions import WorldMotions
from mmdiffpose.skeletons import H36M_17
from mmdiffpose.structures.canonical_view import canonical_view, turn_poses
from .bodies import BodySampler, rebone
from .keyed_draws import KeyedDraws
from .motion_variety import MotionVariety, straighten_knees, vary
from .occlusion_patterns import MixedPatterns, OcclusionPattern
from .random_cameras import CAMERA_WORDS, CameraRanges, Cameras, draw_cameras
from .self_occlusion import hidden_joints
from .window_noise import WindowDetections, WindowNoise

_BODIES = 1 << 14
"""Bodies that are drawn for an epoch; each window has one of them."""
_CHUNK = 64
"""Windows worked on at once: what fits into a core's cache."""


@dataclass(frozen=True)
class ViewLaw:
    """What is drawn for a window beside its motion.

    Attributes:
        cameras: The law of cameras.
        noise: The detector.
        bodies: Whose limbs the motion is given, or None to leave everybody
            their own.
        occlusion: Which joints are missing, on either side of the body.
        fps: Frames a second, log-uniform. Higher where less than half of the
            window would lie inside the clip.
        variety: Mirror images, crossed limbs, tilts and time warps.
        self_occlusion: Whether the detector is worse at joints that the
            person's own body hides.
        weights: How much more often than others frames of a source are
            drawn, by its name; 1 where none is given.
    """
    cameras: CameraRanges = field(default_factory=CameraRanges)
    noise: WindowNoise = field(default_factory=WindowNoise)
    bodies: Optional[BodySampler] = field(default_factory=BodySampler)
    occlusion: OcclusionPattern = field(default_factory=MixedPatterns)
    fps: Tuple[float, float] = (12., 60.)
    variety: MotionVariety = field(default_factory=MotionVariety)
    self_occlusion: bool = True
    weights: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 < self.fps[0] <= self.fps[1]:
            raise ValueError('fps: expected two increasing positive numbers, '
                             f'found {self.fps}')
        if not all(weight >= 0 for weight in self.weights.values()):
            raise ValueError('weights: expected no negative ones, found '
                             f'{dict(self.weights)}')


class _Motion(NamedTuple):
    """Pieces of clips: (B, T, J, 3) metres, their clips and frame rates."""
    positions: np.ndarray
    clip: np.ndarray
    fps: np.ndarray


class ViewSimulator:
    """Draws windows of T frames; see :meth:`draw`.

    Args:
        motions: What people do.
        seq_len: Frames T of a window.
        law: What is drawn.
        seed: With the epoch and a window's index it fixes all draws.
    """

    def __init__(self,
                 motions: WorldMotions,
                 seq_len: int,
                 law: Optional[ViewLaw] = None,
                 seed: int = 0) -> None:
        if seq_len < 1:
            raise ValueError(f'seq_len: expected a positive int, found '
                             f'{seq_len}')
        self.motions = motions
        self.seq_len = seq_len
        self.law = ViewLaw() if law is None else law
        self.seed = seed
        self._shares = self._clip_shares()
        self._words = 32 + CAMERA_WORDS + self.law.noise.words(seq_len)
        self._words += 2 * bool(self.law.variety.straighten)
        # A product with equal weights is the mean, ten times as fast.
        points = seq_len * H36M_17.num_joints
        self._mean = np.full((1, points), 1 / points, np.float32)
        self._bodies: Dict[int, np.ndarray] = {}

    def draw(self, indices: Sequence[int],
             epoch: int) -> Dict[str, np.ndarray]:
        """Draw windows.

        Args:
            indices: B indices; the same index in the same epoch is the same
                window, down to the last bit, whatever the batch is.
            epoch: Pass over the data.

        Returns:
            Arrays of B windows, float32 where nothing else is said. Turned
            axes are those of the canonical view (see
            :func:`~mmdiffpose.structures.canonical_view.canonical_view`).

            - ``inputs`` (B, T, J, 3): u, v, seen in the canonical view, all
              zeros where a joint is not seen.
            - ``targets`` (B, T, J, 3): joints relative to the root, metres,
              turned axes.
            - ``root`` (B, T, 3): the root, metres, turned axes.
            - ``scores`` (B, T, J): the detector's, 0 where not seen.
            - ``log_size`` (B,): log of the person's angular size under the
              assumed focal length, ``CanonicalView.size``.
            - ``rotation`` (B, 3, 3): camera axes to turned axes.
            - ``keypoints`` (B, T, J, 2): detections in pixels.
            - ``fps`` (B,).
            - ``focal``, ``assumed_focal`` (B,), ``center``, ``image_size``
              (B, 2): pixels.
            - ``pitch``, ``roll`` (B,): degrees; ``distance`` (B,): metres.
            - ``up`` (B, 3): the world's vertical in turned axes.
            - ``clip`` (B,) int: the clip in ``motions``.

        Raises:
            ValueError: If there is no index, or a negative one.
        """
        wanted: List[int] = np.asarray(indices).tolist()
        if not wanted:
            raise ValueError('indices: expected one at least')
        parts = [
            self._draw(wanted[i:i + _CHUNK], epoch)
            for i in range(0, len(wanted), _CHUNK)
        ]
        return {
            key: np.concatenate([part[key] for part in parts])
            for key in parts[0]
        }

    def _draw(self, indices: Sequence[int], epoch: int) -> Dict[str, Any]:
        law, T = self.law, self.seq_len
        missing = np.zeros((len(indices), T, H36M_17.num_joints), bool)
        times = np.tile(np.arange(T) - (T - 1) / 2, (len(indices), 1))

        def draw_one(row: int, generator: np.random.Generator) -> None:
            missing[row] = law.occlusion.draw(generator, T)
            if law.variety.warp:
                times[row] = law.variety.draw_times(generator, T)[0]

        draws = KeyedDraws(self.seed, epoch, indices, self._words, draw_one)
        motion = self._motion(draws, times)
        positions = self._body(draws, motion.positions, epoch)
        variety = law.variety.draw(draws.uniform(MotionVariety.NUMBERS))
        donors = positions
        if law.variety.cross:
            donors = self._motion(draws, times, motion.fps).positions
        positions = vary(positions, donors, variety)
        if law.variety.straighten:
            straighter = law.variety.draw_straighter(draws.uniform(2))
            some = straighter > 0
            positions[some] = straighten_knees(positions[some],
                                               straighter[some])
        flat = positions.reshape(len(positions), -1, 3)
        flat -= self._mean @ flat
        cameras, points = draw_cameras(draws, positions, law.cameras)
        truth = points[..., :2] / points[..., 2:]
        truth *= cameras.focal[:, None, None, None]
        truth += cameras.center[:, None, None]
        behind = _hidden_in_time(points) if law.self_occlusion else None
        found = law.noise.detect(draws, truth, cameras.size, motion.fps,
                                 behind)
        # The patterns know a right leg and a left arm only.
        other = draws.uniform() < .5
        missing[other] = missing[other][..., list(H36M_17.flip_indices)]
        return self._pack(motion, cameras, points, found,
                          found.seen & ~missing)

    def _clip_shares(self) -> np.ndarray:
        """Probability that a window comes from a clip or one before."""
        motions, weights = self.motions, self.law.weights
        unknown = set(weights) - set(motions.sources.tolist())
        if unknown:
            raise ValueError(
                f'weights: there is no source {sorted(unknown)}, only '
                f'{sorted(set(motions.sources.tolist()))}')
        each = [weights.get(name, 1.) for name in motions.sources.tolist()]
        total = np.cumsum(np.array(each) * np.diff(motions.starts))
        if not total[-1] > 0:
            raise ValueError('weights: nothing is left to draw from')
        return total / total[-1]

    def _motion(self,
                draws: KeyedDraws,
                times: np.ndarray,
                fps: Optional[np.ndarray] = None) -> _Motion:
        """Pieces of clips at other frame rates.

        Every recorded frame of a source is equally likely to be in the
        middle. Between frames positions are interpolated linearly: at 120 Hz
        that is wrong by at most a / 8 / 120 ** 2, half a millimetre where a
        joint accelerates with 50 m/s^2.

        Args:
            draws: Source of randomness.
            times: (B, T) frames of the window from its middle.
            fps: (B,) frame rates, or None to draw them.
        """
        motions, T = self.motions, self.seq_len
        where = draws.fine_uniform()
        clip = np.searchsorted(self._shares, where, side='right')
        begin = np.append(0, self._shares)[clip]
        share = (where - begin) / (self._shares[clip] - begin)
        first, last = motions.starts[clip], motions.starts[clip + 1] - 1
        middle = first + share * (last - first)
        rate = motions.fps[clip]
        if fps is None:
            low, high = np.log(self.law.fps)
            fps = np.exp(low + (high - low) * draws.uniform())
            # A window may outlast its clip, whose first or last pose it then
            # keeps, but not by more than the clip.
            least = (T - 1) * rate / (2 * (last - first))
            fps = np.minimum(np.maximum(fps, least), self.law.fps[1])
        places = times * (rate / fps)[:, None]
        middle = np.minimum(middle, last - places[:, -1])
        middle = np.maximum(middle, first - places[:, 0])
        frames = middle[:, None] + places
        frames = np.clip(frames, first[:, None], last[:, None])
        before = frames.astype(int)
        part = (frames - before).astype(np.float32)[..., None, None]
        positions = motions.positions[before]
        after = motions.positions[np.minimum(before + 1, last[:, None])]
        after -= positions
        after *= part
        positions += after
        return _Motion(positions, clip, fps.astype(np.float32))

    def _body(self, draws: KeyedDraws, positions: np.ndarray,
              epoch: int) -> np.ndarray:
        """The motion of another person."""
        share = draws.uniform()
        if self.law.bodies is None:
            return positions
        if epoch not in self._bodies:
            rng = np.random.default_rng([self.seed, epoch])
            bodies = self.law.bodies.draw(rng, _BODIES)
            self._bodies = {epoch: bodies.astype(np.float32)}
        chosen = self._bodies[epoch][(share * _BODIES).astype(int)]
        return rebone(positions, chosen)

    @staticmethod
    def _pack(motion: _Motion, cameras: Cameras, points: np.ndarray,
              found: WindowDetections, seen: np.ndarray) -> Dict[str, Any]:
        view = canonical_view(
            found.keypoints, seen,
            np.repeat(cameras.assumed_focal[:, None], 2, axis=1),
            cameras.center)
        turned = turn_poses(points, view.rotation)
        root = turned[..., H36M_17.root, :].copy()
        turned -= root[..., None, :]
        return dict(
            inputs=view.inputs(seen),
            targets=turned,
            root=root,
            scores=found.scores * seen,
            log_size=np.log(view.size),
            rotation=view.rotation,
            keypoints=found.keypoints,
            fps=motion.fps,
            focal=cameras.focal,
            assumed_focal=cameras.assumed_focal,
            center=cameras.center,
            image_size=cameras.size,
            pitch=cameras.pitch,
            roll=cameras.roll,
            distance=cameras.distance,
            up=(view.rotation @ cameras.rotation)[..., 1],
            clip=motion.clip)


def _hidden_in_time(points: np.ndarray) -> np.ndarray:
    """Joints that the person's own body hides, (B, T, J) bool.

    Looked at in the first, the middle and the last frame; the others are as
    the nearest of these.

    Args:
        points: (B, T, J, 3) metres, camera axes.
    """
    T = points.shape[1]
    keys = np.array([0, T // 2, T - 1])
    some = points[:, keys].reshape(-1, *points.shape[2:])
    hidden = hidden_joints(some).reshape(len(points), len(keys), -1)
    distance = np.abs(np.arange(T)[:, None] - keys)
    return hidden[:, distance.argmin(axis=1)]
