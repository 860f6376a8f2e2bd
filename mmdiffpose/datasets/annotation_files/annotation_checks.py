# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What must hold for annotations before anything is trained on them.

Every check raises a ``ValueError`` that names the file, says what was
expected and what was found, and what to do. All of them work on
Human3.6M-17 joints.
"""

from typing import Any, Mapping, Optional, Sequence

import numpy as np

from mmdiffpose.skeletons import H36M_17
from .camera_files import project_points

BODY_LENGTH = (2.0, 7.0)
"""Sum of the 16 median bone lengths that passes as a person, in metres.
Adults in Human3.6M, MPI-INF-3DHP, HDM05 and CMU have 3.5 to 4.5."""

MAX_CHECKED_FRAMES = 20000
"""The statistical checks look at evenly spaced frames, at most so many."""

_JOINT = H36M_17.index

_SHOULDER_TEST = ('left_hip', 'right_hip', 'left_shoulder', 'right_shoulder')
_KNEE_TEST = ('left_hip', 'right_hip', 'left_knee', 'right_knee', 'left_foot',
              'right_foot', 'root', 'thorax')


def thin_out(num_frames: int) -> slice:
    """Evenly spaced frames, at most :data:`MAX_CHECKED_FRAMES`."""
    return slice(None, None, max(1, -(-num_frames // MAX_CHECKED_FRAMES)))


def bone_lengths(keypoints_3d: np.ndarray) -> np.ndarray:
    """Lengths of the 16 bones, (..., 16), in the unit of the input.

    Args:
        keypoints_3d: (..., 17, 3).
    """
    parents, children = np.array(H36M_17.bones).T
    return np.linalg.norm(
        keypoints_3d[..., children, :] - keypoints_3d[..., parents, :],
        axis=-1)


def median_bone_lengths(keypoints_3d: np.ndarray,
                        known: Optional[np.ndarray] = None) -> np.ndarray:
    """Medians over the frames in which both ends of a bone are known.

    Args:
        keypoints_3d: (F, 17, 3).
        known: (F, 17), bool; all where absent.

    Returns:
        (16,), in the unit of the input; NaN where a bone is never known.
    """
    lengths = bone_lengths(keypoints_3d)
    ends = np.ones(lengths.shape, bool)
    if known is not None:
        parents, children = np.array(H36M_17.bones).T
        ends = known[:, parents] & known[:, children]
    return np.array([
        np.median(column[used]) if used.any() else np.nan
        for column, used in zip(lengths.T, ends.T)
    ])


def check_finite(array: np.ndarray, source: str, what: str) -> None:
    """Raise where an array holds NaN or infinity.

    Args:
        array: Anything numeric with the frames first.
        source: The file, for the message.
        what: What the array is, for the message.
    """
    step = 65536
    for start in range(0, len(array), step):
        block = array[start:start + step]
        if np.isfinite(block).all():
            continue
        bad = ~np.isfinite(block.reshape(len(block), -1)).all(axis=1)
        row = start + int(np.flatnonzero(bad)[0])
        raise ValueError(
            f'{source}: {what} holds NaN or infinity, first in row {row} '
            f'({int(bad.sum())} such rows from {start} to '
            f'{start + len(block) - 1}). Drop those frames or mark their '
            'clip as missing in the source, and convert again')


def check_units(keypoints_3d: np.ndarray,
                source: str,
                known: Optional[np.ndarray] = None) -> None:
    """Raise where 3D poses are not people in metres.

    Args:
        keypoints_3d: (F, 17, 3), metres.
        source: The file, for the message.
        known: Joints whose position is known (F, 17), bool; all where
            absent. A bone without two known ends in any frame is left out.
    """
    rows = thin_out(len(keypoints_3d))
    lengths = median_bone_lengths(keypoints_3d[rows],
                                  None if known is None else known[rows])
    if np.isnan(lengths).all():
        return
    # As long as all 16 bones are, if those that are known are as typical.
    total = float(np.nanmean(lengths)) * len(lengths)
    low, high = BODY_LENGTH
    if low <= total <= high:
        return
    hint = 'check the unit of the source'
    for factor, unit in ((1000, 'millimetres'), (100, 'centimetres')):
        if low <= total / factor <= high:
            hint = f'it looks like {unit}: divide by {factor}'
    raise ValueError(
        f'{source}: the bones of its skeleton are {total:.4g} long together, '
        f'expected {low:g} to {high:g} metres; {hint}')


def knee_flexion(keypoints_3d: np.ndarray) -> float:
    """How far knees stand in front of the line from hip to ankle.

    Knees bend one way only. With the body's own forward direction
    (right hip to left hip) x (pelvis to thorax) in right-handed axes, the
    mean is positive for a person, whatever the camera, and changes its sign
    when left and right are swapped or the axes are mirrored.

    Args:
        keypoints_3d: (F, 17, 3), metres, right-handed axes.

    Returns:
        Mean over frames and both legs, in metres; straight legs give 0.
    """
    pose = keypoints_3d.astype(np.float64)
    left = pose[:, _JOINT['left_hip']] - pose[:, _JOINT['right_hip']]
    up = pose[:, _JOINT['thorax']] - pose[:, _JOINT['root']]
    forward = np.cross(left, up)
    forward /= np.maximum(
        np.linalg.norm(forward, axis=-1, keepdims=True), 1e-9)
    offsets = []
    for side in ('left', 'right'):
        hip, knee, foot = (
            pose[:, _JOINT[f'{side}_{name}']]
            for name in ('hip', 'knee', 'foot'))
        leg = foot - hip
        along = ((knee - hip) * leg).sum(-1) / np.maximum(
            (leg * leg).sum(-1), 1e-9)
        offsets.append(knee - hip - along[:, None] * leg)
    return float((np.stack(offsets) * forward).sum(-1).mean())


def check_sides(keypoints_3d: np.ndarray,
                source: str,
                known: Optional[np.ndarray] = None) -> None:
    """Raise where left and right of 3D poses are swapped.

    Two facts of anatomy decide, over many frames: knees bend forward
    (:func:`knee_flexion`), and the shoulder line points the way the hip
    line does. The first finds swapped legs, a swapped body and mirrored
    axes, the second finds swapped arms. A file in which nobody bends a knee
    passes the first.

    Args:
        keypoints_3d: (F, 17, 3), metres, right-handed axes.
        source: The file, for the message.
        known: Joints whose position is known (F, 17), bool; all where
            absent. Frames that lack a joint of a test are left out of it.
    """
    rows = thin_out(len(keypoints_3d))
    everything = keypoints_3d[rows]
    all_known = (
        np.ones(everything.shape[:2], bool) if known is None else known[rows])

    def with_joints(names: Sequence[str]) -> np.ndarray:
        wanted = [_JOINT[name] for name in names]
        return everything[all_known[:, wanted].all(axis=1)]

    pose = with_joints(_KNEE_TEST)
    flexion = knee_flexion(pose) if len(pose) else 0.
    if flexion < -0.005:
        raise ValueError(
            f'{source}: left and right look swapped, or an axis mirrored: '
            f'knees bend backwards by {-1000 * flexion:.0f} mm on average. '
            'Check the joint order of the source, and that camera axes are '
            'x right, y down, z forward')
    pose = with_joints(_SHOULDER_TEST)
    if not len(pose):
        return
    hips = pose[:, _JOINT['left_hip']] - pose[:, _JOINT['right_hip']]
    shoulders = (
        pose[:, _JOINT['left_shoulder']] - pose[:, _JOINT['right_shoulder']])
    against = float(((hips * shoulders).sum(-1) < 0).mean())
    if against > 0.5:
        raise ValueError(
            f'{source}: left and right shoulders look swapped: in '
            f'{100 * against:.0f} % of the frames their line runs against '
            'the line of the hips. Check the joint order of the source')


def check_same_sides(
        first: np.ndarray,
        second: np.ndarray,
        source: str,
        flip_indices: Sequence[int] = H36M_17.flip_indices) -> None:
    """Raise where one set of 2D keypoints is the other with swapped sides.

    Args:
        first: 2D keypoints (F, 17, 2) in pixels, the trusted ones.
        second: 2D keypoints (F, 17, 2) in pixels.
        source: The file of ``second``, for the message.
        flip_indices: Each joint's mirror image.
    """
    if not len(first):
        return
    rows = thin_out(len(first))
    first, second = first[rows], second[rows]
    straight = np.linalg.norm(second - first, axis=-1)
    swapped = np.linalg.norm(second[:, list(flip_indices)] - first, axis=-1)
    better = float((swapped.mean(-1) < straight.mean(-1)).mean())
    if better > 0.6:
        raise ValueError(
            f'{source}: left and right look swapped: in {100 * better:.0f} % '
            'of the frames its keypoints fit the ground truth better with '
            'the sides exchanged. Check the joint order of the 2D source')


def check_rows(found: int, expected: int, source: str, other: str) -> None:
    """Raise where two files that stand row by row differ in length.

    Args:
        found: Rows in ``source``.
        expected: Rows in ``other``.
        source: The file that does not fit, for the message.
        other: The file that it belongs to, for the message.
    """
    if found != expected:
        raise ValueError(
            f'{source} has {found} frames, but {other} has {expected}: they '
            'must be aligned row by row. Convert both again from the same '
            'source')


def check_projection(keypoints_3d: np.ndarray, keypoints_2d: np.ndarray,
                     camera: Mapping[str,
                                     Any], source: str, limit: float) -> float:
    """Raise where 3D poses do not project onto their 2D keypoints.

    Args:
        keypoints_3d: (..., 3), metres, camera axes.
        keypoints_2d: Ground truth (..., 2), pixels.
        camera: The camera, as in a camera file.
        source: File and clip, for the message.
        limit: The largest median distance that passes, in pixels.

    Returns:
        The median distance in pixels.
    """
    hint = ('The camera belongs to another view or subject, or the 3D poses '
            'are not in its axes (x right, y down, z forward, metres)')
    if not len(keypoints_3d):
        return 0.
    nearest = float(keypoints_3d[..., 2].min())
    if nearest <= 0:
        raise ValueError(
            f'{source}: 3D poses reach {nearest:.2f} m in depth, expected '
            f'all of them in front of the camera. {hint}')
    projected = project_points(keypoints_3d, camera)
    distance = np.linalg.norm(projected - keypoints_2d, axis=-1)
    median = float(np.median(distance))
    if not median <= limit:
        raise ValueError(
            f'{source}: 3D poses project {median:.1f} px (median) away from '
            f'their 2D keypoints, expected at most {limit:g} px. {hint}')
    return median
