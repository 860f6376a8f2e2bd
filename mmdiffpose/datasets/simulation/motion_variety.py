# Copyright (c) mmdiffpose contributors. All rights reserved.
"""More motions from the same recordings.

- **Crossed limbs**: arms and legs of one clip on the trunk of another, in the
  trunk's own frame, so that joints bend as they can (Li et al., CVPR 2020,
  cross single poses in this way; here windows, frame by frame).
- **Tilts**: the body turned about a horizontal axis, up to lying. Nobody
  moves like that, but people lie, climb and fall, and a tilted body shows a
  camera what a level one does not.
- **Time warps**: faster and slower, smoothly, within a window.
- **Mirror images**.
- **Straighter knees**: knees are where a skeleton was fitted to markers. Who
  stands still has knees bent by 12 to 30 degrees in HDM05 and CMU, by 2 in
  DeepMimic, by next to nothing in life; a lifter that knows the first alone
  lets everybody half sit. :func:`straighten_knees`.

What is drawn (:meth:`MotionVariety.draw`) is apart from what is done with it
(:func:`vary`), so that the numbers of a window may come from anywhere, and
a batch is worked on at once.
"""

from dataclasses import dataclass
from typing import ClassVar, Sequence, Tuple

import numpy as np

from mmdiffpose.skeletons import H36M_17

LIMBS: Tuple[Tuple[str, str, str], ...] = (
    ('left_shoulder', 'left_elbow', 'left_wrist'),
    ('right_shoulder', 'right_elbow', 'right_wrist'),
    ('left_hip', 'left_knee', 'left_foot'),
    ('right_hip', 'right_knee', 'right_foot'),
)
"""The joints of each limb that may be crossed, from the trunk outwards."""

_LIMB_JOINTS = [[H36M_17.index[joint] for joint in limb] for limb in LIMBS]
_CHEST = [
    H36M_17.index[joint]
    for joint in ('spine', 'thorax', 'right_shoulder', 'left_shoulder')
]
_PELVIS = [
    H36M_17.index[joint]
    for joint in ('root', 'spine', 'right_hip', 'left_hip')
]
_FRAME_OF_LIMB = (_CHEST, _CHEST, _PELVIS, _PELVIS)
_TINY = 1e-9


@dataclass(frozen=True)
class VarietyDraw:
    """What was drawn for B windows.

    Attributes:
        limbs: Which limbs come from the donor, in the order of
            :data:`LIMBS`, (B, 4) bool.
        tilt: Angle in radians, (B,); 0 leaves a window as it is.
        heading: Direction of the tilt's axis on the ground in radians, (B,).
        mirrored: (B,) bool.
    """
    limbs: np.ndarray
    tilt: np.ndarray
    heading: np.ndarray
    mirrored: np.ndarray


@dataclass(frozen=True)
class MotionVariety:
    """Which variety training motions get, and how much.

    Args:
        cross: Share of windows with limbs of another clip; each of their
            limbs is another's with probability one half.
        tilt: Share of tilted windows. The angle is uniform.
        max_tilt: Largest tilt in degrees, either way.
        mirror: Share of mirror images.
        warp: Share of windows with a time warp.
        speed: Slowest and fastest speed of a warp.
        straighten: Share of windows with straighter knees.
        straighten_by: Least and most that knees are straighter, degrees.

    Raises:
        ValueError: If a share is outside 0 to 1, ``max_tilt`` outside 0 to
            180, or ``speed`` or ``straighten_by`` is not two increasing
            positive numbers.
    """
    cross: float = 0.
    tilt: float = 0.
    max_tilt: float = 90.
    mirror: float = 0.5
    warp: float = 0.
    speed: Tuple[float, float] = (0.7, 1.4)
    straighten: float = 0.
    straighten_by: Tuple[float, float] = (8., 25.)

    NUMBERS: ClassVar[int] = 9
    """Uniform numbers that a window takes."""

    def __post_init__(self) -> None:
        for name in ('cross', 'tilt', 'mirror', 'warp', 'straighten'):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f'{name} is a share from 0 to 1, got '
                                 f'{getattr(self, name)}')
        if not 0 <= self.max_tilt <= 180:
            raise ValueError(f'max_tilt must be from 0 to 180 degrees, got '
                             f'{self.max_tilt}')
        for name in ('speed', 'straighten_by'):
            low, high = getattr(self, name)
            if not 0 < low <= high:
                raise ValueError(f'{name} must be two increasing positive '
                                 f'numbers, got {getattr(self, name)}')

    def draw(self, uniform: np.ndarray) -> VarietyDraw:
        """Draw for B windows.

        Args:
            uniform: Uniform numbers in [0, 1), (B, :attr:`NUMBERS`).
        """
        crossed = uniform[:, :1] < self.cross
        angle = np.deg2rad(self.max_tilt) * (2 * uniform[:, 6] - 1)
        return VarietyDraw(
            limbs=crossed & (uniform[:, 1:5] < 0.5),
            tilt=np.where(uniform[:, 5] < self.tilt, angle, 0.),
            heading=2 * np.pi * uniform[:, 7],
            mirrored=uniform[:, 8] < self.mirror)

    def draw_straighter(self, uniform: np.ndarray) -> np.ndarray:
        """Draw by how much knees are straighter.

        Args:
            uniform: Uniform numbers in [0, 1), (B, 2).

        Returns:
            Radians (B,), 0 for windows that stay.
        """
        low, high = self.straighten_by
        angle = np.deg2rad(low + (high - low) * uniform[:, 1])
        return np.where(uniform[:, 0] < self.straighten, angle, 0)

    def draw_times(self,
                   rng: np.random.Generator,
                   frames: int,
                   count: int = 1) -> np.ndarray:
        """Draw the moments that the frames of windows show.

        The speed's logarithm runs between three values, drawn for the
        beginning, the middle and the end, along half cosine waves. A source
        of frame rate f shows window frame ``i`` at its own frame
        ``middle + times[i] * f / window_fps``.

        Args:
            rng: Source of randomness.
            frames: Frames T of a window.
            count: How many windows.

        Returns:
            Times (count, T) in window frames, increasing, 0 in the middle of
            the window. Without a warp they are one apart.
        """
        chosen = rng.random(count) < self.warp
        low, high = np.log(self.speed)
        logs = low + (high - low) * rng.random((count, 3))
        logs[~chosen] = 0
        # Speeds between one frame and the next: T - 1 of them.
        place = 2 * (np.arange(frames - 1) + 0.5) / max(frames - 1, 1)
        first = place < 1
        ease = (1 - np.cos(np.pi * (place - ~first))) / 2
        start = np.where(first, logs[:, :1], logs[:, 1:2])
        end = np.where(first, logs[:, 1:2], logs[:, 2:])
        steps = np.exp(start + (end - start) * ease)
        times = np.concatenate(
            [np.zeros(
                (count, 1)), np.cumsum(steps, axis=1)], axis=1)
        middle = (times[:, (frames - 1) // 2] + times[:, frames // 2]) / 2
        return times - middle[:, None]


def vary(positions: np.ndarray, donors: np.ndarray,
         draw: VarietyDraw) -> np.ndarray:
    """Cross, tilt and mirror windows, in this order.

    Args:
        positions: Human3.6M-17 joints (B, T, 17, 3), metres, y up.
        donors: Windows (B, T, 17, 3) that limbs are taken from; only those
            are looked at whose limbs were drawn.
        draw: What was drawn for the B windows.

    Returns:
        (B, T, 17, 3), a copy where something changed.

    Raises:
        ValueError: If the number of windows drawn for is another, or
            ``donors`` has another shape.
    """
    if len(draw.tilt) != len(positions):
        raise ValueError(f'{len(draw.tilt)} windows were drawn for, but '
                         f'{len(positions)} are given')
    result = positions.copy()
    crossed = draw.limbs.any(axis=1)
    if crossed.any():
        result[crossed] = cross_limbs(positions[crossed], donors[crossed],
                                      draw.limbs[crossed])
    tilted = draw.tilt != 0
    if tilted.any():
        result[tilted] = tilt_bodies(result[tilted], draw.tilt[tilted],
                                     draw.heading[tilted])
    if draw.mirrored.any():
        result[draw.mirrored] = mirror(result[draw.mirrored])
    return result


def cross_limbs(positions: np.ndarray, donors: np.ndarray,
                limbs: np.ndarray) -> np.ndarray:
    """Put limbs of other clips on the trunks of these.

    An arm keeps its direction in the frame of the chest, a leg in that of
    the pelvis; the lengths of its bones stay those of the body that it is
    put on. The lowest joint of each frame stays at its height.

    Args:
        positions: Human3.6M-17 joints (B, T, 17, 3), metres, y up.
        donors: Where the limbs come from (B, T, 17, 3).
        limbs: Which limbs, in the order of :data:`LIMBS`, (B, 4) bool.

    Returns:
        (B, T, 17, 3).

    Raises:
        ValueError: If ``donors`` has another shape than ``positions``.
    """
    if donors.shape != positions.shape:
        raise ValueError(f'donors must be {positions.shape} as the windows '
                         f'are, found {donors.shape}')
    result = positions.copy()
    for number, (joints,
                 frame) in enumerate(zip(_LIMB_JOINTS, _FRAME_OF_LIMB)):
        rows = limbs[:, number]
        if not rows.any():
            continue
        own, other = positions[rows], donors[rows]
        turn = _frame(own, frame) @ np.swapaxes(_frame(other, frame), -1, -2)
        at = own[:, :, joints[0]]
        for near, far in zip(joints, joints[1:]):
            bone = np.einsum('btij,btj->bti', turn,
                             other[:, :, far] - other[:, :, near])
            length = np.linalg.norm(
                own[:, :, far] - own[:, :, near], axis=-1, keepdims=True)
            at = at + length * _unit(bone)
            result[rows, :, far] = at
    return _keep_ground(result, positions)


def tilt_bodies(positions: np.ndarray, angle: np.ndarray,
                heading: np.ndarray) -> np.ndarray:
    """Turn bodies about horizontal axes through their roots.

    The root's path over the ground stays, and the lowest joint of each frame
    at its height.

    Args:
        positions: Joints (B, T, 17, 3), metres, y up.
        angle: Radians, (B,).
        heading: Direction of the axis, radians from x towards -z, (B,).

    Returns:
        (B, T, 17, 3).
    """
    axis = np.stack(
        [np.cos(heading),
         np.zeros_like(heading), -np.sin(heading)], axis=-1)
    cross = np.zeros((len(axis), 3, 3))
    cross[:, [2, 0, 1], [1, 2, 0]] = axis
    cross[:, [1, 2, 0], [2, 0, 1]] = -axis
    # Rodrigues' formula.
    turn = (
        np.eye(3) + np.sin(angle)[:, None, None] * cross +
        (1 - np.cos(angle))[:, None, None] * (cross @ cross))
    turn = turn.astype(positions.dtype)
    root = positions[:, :, [H36M_17.root]]
    turned = (positions - root) @ np.swapaxes(turn, -1, -2)[:, None]
    return _keep_ground(turned + root, positions)


def straighten_knees(positions: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Bend the knees of windows less.

    A flexion f becomes f - a, or f ** 2 / (4 a) where f < 2 a: no knee bends
    backwards. Lengths, the plane of each leg and the direction from hip to
    ankle stay, and the lowest joint of each frame at its height.

    Args:
        positions: Human3.6M-17 joints (B, T, 17, 3), metres, y up.
        angle: a of each window in radians, (B,); 0 leaves it as it is.

    Returns:
        (B, T, 17, 3).
    """
    result = positions.copy()
    less = angle.astype(positions.dtype)[:, None]
    for joints in _LIMB_JOINTS[2:]:
        hip, knee, ankle = (positions[:, :, joint] for joint in joints)
        thigh, reach = knee - hip, ankle - hip
        upper = np.linalg.norm(thigh, axis=-1)
        lower = np.linalg.norm(ankle - knee, axis=-1)
        along = _unit(reach)
        across = _unit(thigh - (thigh * along).sum(-1, keepdims=True) * along)
        cosine = (reach * reach).sum(-1) - upper**2 - lower**2
        cosine /= np.maximum(2 * upper * lower, _TINY)
        bent = np.arccos(np.clip(cosine, -1, 1))
        straighter = np.where(bent < 2 * less,
                              bent**2 / np.maximum(4 * less, _TINY),
                              bent - less)
        far = np.sqrt(upper**2 + lower**2 +
                      2 * upper * lower * np.cos(straighter))
        near = (upper**2 + far**2 - lower**2) / np.maximum(2 * far, _TINY)
        off = np.sqrt(np.maximum(upper**2 - near**2, 0))
        result[:, :, joints[1]] = (
            hip + near[..., None] * along + off[..., None] * across)
        result[:, :, joints[2]] = hip + far[..., None] * along
    return _keep_ground(result, positions)


def mirror(positions: np.ndarray) -> np.ndarray:
    """Mirror images (..., 17, 3): x negated, left and right exchanged."""
    mirrored = positions[..., H36M_17.flip_indices, :]
    mirrored[..., 0] *= -1
    return mirrored


def _frame(positions: np.ndarray, joints: Sequence[int]) -> np.ndarray:
    """Axes (B, T, 3, 3) of a part of the trunk, in columns: left, up, front.

    Args:
        positions: (B, T, 17, 3).
        joints: Lower and upper joint of the spine, right and left one of the
            line across.
    """
    low, high, right, left = joints
    up = _unit(positions[:, :, high] - positions[:, :, low])
    across = positions[:, :, left] - positions[:, :, right]
    across = across - (across * up).sum(axis=-1, keepdims=True) * up
    across = _unit(across)
    return np.stack([across, up, np.cross(across, up)], axis=-1)


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors (..., 3) of length one; zero where there is no direction."""
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.maximum(norms, _TINY)


def _keep_ground(positions: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Each frame raised so that its lowest joint is as high as before."""
    lift = before[..., 1].min(axis=-1) - positions[..., 1].min(axis=-1)
    positions[..., 1] += lift[..., None]
    return positions
