# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Coherence of predicted skeletons: symmetry and constancy of segments.

Eq. 13 and 14 of DiffHPE (Rommel et al., "DiffHPE: Robust, Coherent 3D Human
Pose Lifting with Diffusion", ICCVW 2023). Neither uses ground truth.
"""

from typing import Dict, FrozenSet, List, Optional, Tuple

import numpy as np

from mmdiffpose.skeletons import H36M_17
from mmdiffpose.skeletons.mocap_sets import h36m_places
from .joint_order import JointOrder, joint_skeleton
from .mpjpe import masked_mean

COHERENCE_MODES = ('paper', 'official')
"""``'paper'``: as the paper says. ``'official'``: as the released code
computes, with which the paper's tables were made: the clavicles run from the
spine (joint 7) instead of the thorax (joint 8), and the standard deviation is
the unbiased one."""

_SPINE = H36M_17.index['spine']
_CLAVICLES = ('left_shoulder', 'right_shoulder')


def _check_mode(mode: str) -> None:
    if mode not in COHERENCE_MODES:
        raise ValueError(f'mode must be one of {COHERENCE_MODES}, got '
                         f'{mode!r}.')


def segments(mode: str = 'paper',
             joint_order: JointOrder = 'h36m') -> List[Tuple[int, int]]:
    """The segments as pairs of joint indices.

    Args:
        mode: ``'paper'`` or ``'official'``, see :data:`COHERENCE_MODES`.
        joint_order: Which joint is which, or a skeleton, whose bones the
            segments then are.

    Returns:
        (parent, child) pairs. Of Human3.6M's joints there are 16, in the
        order of joints 1 to 16; of another skeleton's, in its order of bones.

    Raises:
        ValueError: For the official mode, which is about Human3.6M's joints,
            with others.
    """
    _check_mode(mode)
    skeleton = joint_skeleton(joint_order)
    places = h36m_places(skeleton)
    if places is None:
        if mode == 'official':
            raise ValueError("mode 'official' moves the clavicles of "
                             "Human3.6M's joints, expected mode 'paper' for "
                             f'{list(skeleton.joints)}')
        return list(skeleton.links or skeleton.bones)
    clavicles = {H36M_17.index[name] for name in _CLAVICLES}
    pairs = []
    for parent, child in H36M_17.bones:
        if mode == 'official' and child in clavicles:
            parent = _SPINE
        pairs.append((places[parent], places[child]))
    return pairs


def symmetric_segments(
        joint_order: JointOrder = 'h36m') -> Tuple[Tuple[int, int], ...]:
    """Pairs of segments that are mirror images, as indices of `segments`.

    Human3.6M's six are hip, thigh, shin, clavicle, upper arm, forearm, the
    left one first.

    Args:
        joint_order: As for :func:`segments`.
    """
    skeleton = joint_skeleton(joint_order)
    flip = skeleton.flip_indices
    index = {
        frozenset(bone): i
        for i, bone in enumerate(segments('paper', skeleton))
    }
    left = {a for a, _ in skeleton.flip_pairs}
    pairs: Dict[FrozenSet[int], Tuple[int, int]] = {}
    for bone, i in index.items():
        twin = index.get(frozenset(flip[joint] for joint in bone), i)
        if twin != i:
            pair = (i, twin) if bone & left else (twin, i)
            pairs.setdefault(frozenset(pair), pair)
    return tuple(pairs.values())


def segment_lengths(poses: np.ndarray,
                    mode: str = 'paper',
                    joint_order: JointOrder = 'h36m') -> np.ndarray:
    """Lengths of the S segments.

    Args:
        poses: (..., J, 3).
        mode: See :func:`segments`.
        joint_order: As for :func:`segments`.

    Returns:
        (..., S), in the poses' unit.
    """
    count = joint_skeleton(joint_order).num_joints
    if poses.ndim < 2 or poses.shape[-2:] != (count, 3):
        raise ValueError(f'Coherence needs poses of {count} joints (..., '
                         f'{count}, 3), got the shape {poses.shape}.')
    parents, children = np.array(segments(mode, joint_order)).T
    return np.linalg.norm(
        poses[..., children, :] - poses[..., parents, :], axis=-1)


def segments_with(joints: np.ndarray,
                  mode: str = 'paper',
                  joint_order: JointOrder = 'h36m') -> np.ndarray:
    """Segments both of whose joints count.

    Args:
        joints: Joints that count (..., J), bool.
        mode: See :func:`segments`.
        joint_order: As for :func:`segments`.

    Returns:
        (..., S), bool.
    """
    parents, children = np.array(segments(mode, joint_order)).T
    return joints[..., parents] & joints[..., children]


def symmetry_gap(lengths: np.ndarray,
                 counted: Optional[np.ndarray] = None,
                 joint_order: JointOrder = 'h36m') -> np.ndarray:
    """Mean absolute difference of left and right segments (Eq. 13).

    Args:
        lengths: Segment lengths (..., S), see :func:`segment_lengths`.
        counted: Segments that count (..., S), bool; a pair does where both
            of its segments do. All where absent.
        joint_order: As for :func:`segments`.

    Returns:
        The gap of each pose (...,); NaN for one without a pair.
    """
    pairs = symmetric_segments(joint_order)
    if not pairs:
        return np.full(lengths.shape[:-1], np.nan)
    left, right = np.array(pairs).T
    gaps = np.abs(lengths[..., left] - lengths[..., right])
    if counted is None:
        return gaps.mean(axis=-1)
    return masked_mean(gaps, counted[..., left] & counted[..., right])


def segment_std(lengths: np.ndarray,
                mode: str = 'paper',
                counted: Optional[np.ndarray] = None) -> np.ndarray:
    """Mean over segments of the standard deviation over time (Eq. 14).

    Args:
        lengths: Segment lengths of sequences (..., L, S).
        mode: ``'paper'`` divides by L, ``'official'`` by L - 1.
        counted: Segments that count (..., L, 16), bool; one does where it
            does in all frames of a sequence. All where absent.

    Returns:
        (...,), the value of each sequence; NaN for one without a segment.
    """
    _check_mode(mode)
    ddof = int(mode == 'official')
    if lengths.shape[-2] <= ddof:
        raise ValueError(f'mode {mode!r} needs more than {ddof} frames, got '
                         f'{lengths.shape[-2]}.')
    spread = lengths.std(axis=-2, ddof=ddof)
    if counted is None:
        return spread.mean(axis=-1)
    return masked_mean(spread, counted.all(axis=-2))


def cut_sequences(frame_ids: np.ndarray,
                  length: Optional[int],
                  step: int = 1) -> List[np.ndarray]:
    """Cut a video into the sequences that Eq. 14 averages over.

    The standard deviation grows with the length of a sequence, so values are
    comparable only at equal lengths, whatever the window of the model.

    Args:
        frame_ids: Ascending frame indices of one video (T,).
        length: Frames L of a sequence; what remains at the end of a run of
            consecutive frames is left out, as the released code does. None
            takes each run as a whole.
        step: Distance of neighbouring frames; sequences span no wider gap.

    Returns:
        Positions (n, L) of the sequences in ``frame_ids``, one array per run
        of consecutive frames.
    """
    breaks = np.flatnonzero(np.diff(frame_ids) != step) + 1
    runs = np.split(np.arange(len(frame_ids)), breaks)
    if length is None:
        return [run[None] for run in runs if len(run) > 1]
    return [
        run[:len(run) // length * length].reshape(-1, length) for run in runs
        if len(run) >= length
    ]
