# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Which 2D joints of a window are missing: DiffHPE's occlusion patterns.

Rommel et al., "DiffHPE: Robust, Coherent 3D Human Pose Lifting with
Diffusion", ICCVW 2023, Sec. 5.2. A pattern is a law of masks (T, J); drawing
them needs a generator and nothing else.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, Callable, Dict, Optional, Tuple

import numpy as np

from mmdiffpose.skeletons import H36M_17, Skeleton
from mmdiffpose.skeletons.mapping import find_joint

OCCLUSION_MODES = ('paper', 'official')
"""``'paper'``: the laws as the paper states them. ``'official'``: as the
released code draws, where that differs; see each pattern."""

RIGHT_LEG = ('right_hip', 'right_knee', 'right_foot')
LEFT_ARM = ('left_shoulder', 'left_elbow', 'left_wrist')


def _check_share(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise ValueError(f'{name}: expected a value in [0, 1], found {value}')


def _joint_indices(joints: Optional[Tuple[str, ...]],
                   skeleton: Skeleton) -> Tuple[int, ...]:
    if joints is None:
        return tuple(range(skeleton.num_joints))
    places = [find_joint(skeleton, name) for name in joints]
    unknown = [name for name, i in zip(joints, places) if i is None]
    if unknown or isinstance(joints, str):
        raise ValueError(f'joints: expected some of {skeleton.joints}, found '
                         f'{unknown or joints!r}')
    return tuple(i for i in places if i is not None)


@dataclass(frozen=True)
class OcclusionPattern(ABC):
    """A law of masks.

    Attributes:
        mode: One of :data:`OCCLUSION_MODES`.
        skeleton: The joints, J.
    """
    mode: str = 'paper'
    skeleton: Skeleton = field(default=H36M_17, repr=False)

    def __post_init__(self) -> None:
        if self.mode not in OCCLUSION_MODES:
            raise ValueError(f'mode: expected one of {OCCLUSION_MODES}, found '
                             f'{self.mode!r}')

    def _of_joints(self, missing: np.ndarray,
                   joints: Optional[Tuple[str, ...]]) -> np.ndarray:
        """Frames (T,) of these joints as a mask (T, J)."""
        mask = np.zeros((len(missing), self.skeleton.num_joints), bool)
        indices = _joint_indices(joints, self.skeleton)
        mask[:, list(indices)] = missing[:, None]
        return mask

    @abstractmethod
    def draw(self, rng: np.random.Generator, num_frames: int) -> np.ndarray:
        """Draw a mask.

        Args:
            rng: Source of all randomness.
            num_frames: Frames T of the window.

        Returns:
            (T, J) bool, True where a joint is missing.
        """


@dataclass(frozen=True)
class NoOcclusion(OcclusionPattern):
    """Nothing is missing."""

    def draw(self, rng: np.random.Generator, num_frames: int) -> np.ndarray:
        """No joint; nothing is drawn from ``rng``."""
        return np.zeros((num_frames, self.skeleton.num_joints), bool)


@dataclass(frozen=True)
class RandomKeypoints(OcclusionPattern):
    """Each joint of each frame is missing with one probability,
    independently; both modes are the same.

    Attributes:
        probability: That probability.
    """
    probability: float = .2

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_share('probability', self.probability)

    def draw(self, rng: np.random.Generator, num_frames: int) -> np.ndarray:
        """One Bernoulli draw per frame and joint."""
        shape = (num_frames, self.skeleton.num_joints)
        mask = np.empty(shape, bool)
        mask[:, list(self.skeleton.draw_order)] = (
            rng.random(shape) < self.probability)
        return mask


@dataclass(frozen=True)
class RandomFrames(OcclusionPattern):
    """Some joints are missing together in random frames.

    ``'paper'``: in each frame with one probability, independently.
    ``'official'``: in exactly floor(probability * T) frames, drawn without
    replacement.

    Attributes:
        probability: That probability.
        joints: Names of the joints.
    """
    probability: float = .4
    joints: Tuple[str, ...] = RIGHT_LEG + LEFT_ARM

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_share('probability', self.probability)
        _joint_indices(self.joints, self.skeleton)

    def draw(self, rng: np.random.Generator, num_frames: int) -> np.ndarray:
        """One Bernoulli draw per frame, or a draw of frames."""
        if self.mode == 'paper':
            missing = rng.random(num_frames) < self.probability
        else:
            number = _whole(self.probability * num_frames)
            missing = np.zeros(num_frames, bool)
            missing[rng.choice(num_frames, number, replace=False)] = True
        return self._of_joints(missing, self.joints)


@dataclass(frozen=True)
class ConsecutiveFrames(OcclusionPattern):
    """Some joints are missing in one run of consecutive frames.

    The run takes a share of the window, so that 10 of 27 frames are 90 of
    243. ``'paper'``: it begins anywhere with equal probability; where the
    share is no whole number of frames, the run is the next shorter or longer
    one, such that its expected length is the share (a window of one frame is
    missing with the share as probability). ``'official'``: the shorter one
    always, and the last possible beginning is never drawn, as in the
    released code.

    Attributes:
        share: Of the window's frames.
        joints: Names of the joints; None for all.
    """
    share: float = 5 / 27
    joints: Optional[Tuple[str, ...]] = None

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_share('share', self.share)
        _joint_indices(self.joints, self.skeleton)

    def draw(self, rng: np.random.Generator, num_frames: int) -> np.ndarray:
        """A length, where it isn't fixed, and a beginning."""
        length = _whole(self.share * num_frames)
        if self.mode == 'paper':
            length += rng.random() < self.share * num_frames - length
        beginnings = num_frames - length + (self.mode == 'paper')
        start = rng.integers(max(beginnings, 1))
        missing = np.zeros(num_frames, bool)
        missing[start:start + length] = True
        return self._of_joints(missing, self.joints)


@dataclass(frozen=True)
class MixedPatterns(OcclusionPattern):
    """Each window has one of several patterns, with equal probability.

    Attributes:
        patterns: Their names; no occlusion and DiffHPE's four by default.
    """
    patterns: Tuple[str, ...] = ('none', 'random', 'leg_arm',
                                 'consecutive_leg', 'consecutive_frames')

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.patterns or 'mixture' in self.patterns:
            raise ValueError('patterns: expected names of patterns other than '
                             f"'mixture', found {self.patterns}")
        self.parts  # unknown names are found here

    @cached_property
    def parts(self) -> Tuple[OcclusionPattern, ...]:
        """The patterns, made once: a draw takes some microseconds."""
        return tuple(
            make_pattern(name, self.mode, self.skeleton)
            for name in self.patterns)

    def draw(self, rng: np.random.Generator, num_frames: int) -> np.ndarray:
        """A pattern, then its mask."""
        part = self.parts[rng.integers(len(self.parts))]
        return part.draw(rng, num_frames)


def _whole(number: float) -> int:
    """Rounded down, but 27 * (10 / 27) is ten whatever a float says."""
    return int(np.floor(number + 1e-9))


def _consecutive_leg(share: float = 10 / 27,
                     joints: Tuple[str, ...] = RIGHT_LEG,
                     **kwargs: Any) -> ConsecutiveFrames:
    return ConsecutiveFrames(share=share, joints=joints, **kwargs)


OCCLUSION_PATTERNS: Dict[str, Callable[..., OcclusionPattern]] = {
    'none': NoOcclusion,
    'random': RandomKeypoints,
    'leg_arm': RandomFrames,
    'consecutive_leg': _consecutive_leg,
    'consecutive_frames': ConsecutiveFrames,
    'mixture': MixedPatterns,
}
"""Name to pattern, with the paper's parameters as defaults."""


def make_pattern(name: str,
                 mode: str = 'paper',
                 skeleton: Skeleton = H36M_17,
                 **parameters: Any) -> OcclusionPattern:
    """A pattern by its name.

    Args:
        name: A key of :data:`OCCLUSION_PATTERNS`.
        mode: One of :data:`OCCLUSION_MODES`.
        skeleton: The joints. Names are Human3.6M's or their own.
        **parameters: Of the pattern, where they should be others.

    Raises:
        ValueError: For an unknown name or parameter, or a value that a
            parameter cannot have.
    """
    if name not in OCCLUSION_PATTERNS:
        raise ValueError('pattern: expected one of '
                         f'{sorted(OCCLUSION_PATTERNS)}, found {name!r}')
    # Lists from configs; the patterns are immutable.
    parameters = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in parameters.items()
    }
    known = [
        one.name for one in fields(OCCLUSION_PATTERNS[name]())
        if one.name not in ('mode', 'skeleton')
    ]
    unknown = sorted(set(parameters) - set(known))
    if unknown:
        raise ValueError(f'the pattern {name!r} has the parameters {known}, '
                         f'found {unknown}')
    return OCCLUSION_PATTERNS[name](mode=mode, skeleton=skeleton, **parameters)
