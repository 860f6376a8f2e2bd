# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Stiff bones and rotations from the places of joints."""

from typing import Dict, NamedTuple, Optional

import numpy as np

from .armature import (Armature, children_of, hinge, make_armature,
                       rest_directions)
from .skeleton import Skeleton

MIN_LENGTH = 1e-3
"""Metres below which a bone has no direction."""
REST_WEIGHT = 0.05
"""How much an untwisted bone counts against the plane of a bent limb, which
counts with the squared sine of its bend: the two are equal at 13 degrees."""
TWIST_GAIN = 100.
"""A second: how fast a bone turns about itself towards what it should be, per
weight of that."""
MAX_TWIST_RATE = 4 * np.pi
"""Radians a second at which a bone turns about itself at most, beside what
its direction brings with it."""


class ArmatureMotion(NamedTuple):
    """An armature that moves.

    Attributes:
        armature: Its bones.
        roots: (F, 3) where its root is, metres.
        rotations: (F, K, 3, 3) of each node, relative to its parent's.
        residuals: (F, J) metres between its joints and those that it was
            fitted to; NaN where there was none.
    """
    armature: Armature
    roots: np.ndarray
    rotations: np.ndarray
    residuals: np.ndarray


def bone_lengths(points: np.ndarray,
                 seen: np.ndarray,
                 skeleton: Skeleton,
                 symmetric: bool = False) -> np.ndarray:
    """Median length of each bone over the frames in which it was seen.

    Args:
        points (np.ndarray): (F, J, 3) metres.
        seen (np.ndarray): (F, J) bool. A bone that was never seen whole is
            measured in all frames.
        skeleton (Skeleton): J joints.
        symmetric (bool): Whether left and right get the mean of both.
            Defaults to False.

    Returns:
        np.ndarray: (J, ) metres from each joint's parent; 0 for the root.

    Raises:
        ValueError: If a joint or its parent has no place in any frame.
    """
    lengths = np.zeros(skeleton.num_joints)
    for parent, child in skeleton.bones:
        length = np.linalg.norm(points[:, child] - points[:, parent], axis=-1)
        there = np.isfinite(length)
        if not there.any():
            raise ValueError(
                f'the bone from {skeleton.joints[parent]} to '
                f'{skeleton.joints[child]}: expected a frame with both, found '
                'none')
        both = there & seen[:, child] & seen[:, parent]
        lengths[child] = np.median(length[both if both.any() else there])
    if symmetric:
        lengths = (lengths + lengths[list(skeleton.flip_indices)]) / 2
    return lengths


def stiffened(points: np.ndarray, lengths: np.ndarray,
              skeleton: Skeleton) -> np.ndarray:
    """Joints at the ends of bones that keep their length.

    Args:
        points (np.ndarray): (F, J, 3) metres.
        lengths (np.ndarray): (J, ) metres, from :func:`bone_lengths`.
        skeleton (Skeleton): J joints.

    Returns:
        np.ndarray: (F, J, 3): the root stays where it is, each bone keeps
        its direction. NaN where a joint or one above it has no place.
    """
    stiff = np.array(points, float)
    waiting = [skeleton.root]
    while waiting:
        parent = waiting.pop()
        for child in children_of(skeleton, parent):
            unit = _direction(points[:, child] - points[:, parent])
            stiff[:, child] = stiff[:, parent] + lengths[child] * unit
            waiting.append(child)
    return stiff


def fit_armature(points: np.ndarray, lengths: np.ndarray, skeleton: Skeleton,
                 fps: float) -> ArmatureMotion:
    """Move stiff bones as joints move.

    Every bone points where the joints say. How it is turned about itself is
    told by the next bone where the limb between them is bent (knees and
    elbows bend about one axis), and by hips, shoulders and spine for the
    trunk; a straight limb is turned as little as possible. It changes with
    bounded speed: from frame to frame a bone is first carried along with its
    direction, then turned towards what it should be.

    Args:
        points (np.ndarray): (F, J, 3) metres, y up. A joint without a place
            gets the direction between those of the frames around.
        lengths (np.ndarray): (J, ) metres, from :func:`bone_lengths`.
        skeleton (Skeleton): J joints.
        fps (float): Frames a second.

    Returns:
        ArmatureMotion: Its joints lie apart from ``points`` by as much as
        bones change their length.

    Raises:
        ValueError: If a bone has no direction in any frame, or a T-pose of
            the skeleton is not known.
    """
    armature = make_armature(skeleton, lengths)
    directions = _directions(points, skeleton)
    turned: Dict[int, np.ndarray] = {}
    rotations = np.tile(np.eye(3), (len(points), len(armature.names), 1, 1))
    for node, parent in enumerate(armature.parents):
        above = turned[parent] if parent >= 0 else np.eye(3)[None]
        local = _local_rotation(armature, node, directions, above, fps)
        if local is not None:
            rotations[:, node] = local
        turned[node] = above @ rotations[:, node]
    roots = _filled(points[:, skeleton.root], 'the root')
    residuals = np.linalg.norm(
        armature.pose(roots, rotations) - points, axis=-1)
    return ArmatureMotion(armature, roots, rotations, residuals)


def _local_rotation(armature: Armature, node: int, directions: np.ndarray,
                    above: np.ndarray, fps: float) -> Optional[np.ndarray]:
    """A node's rotation from its parent's, (F, 3, 3); None: it has none."""
    skeleton = armature.skeleton
    local = np.swapaxes(above, -1, -2)
    if armature.names[node] in skeleton.index:
        joint = skeleton.index[armature.names[node]]
        children = children_of(skeleton, joint)
        if len(children) > 1:
            return local @ _trunk_rotation(skeleton, joint, directions)
        if not children:
            return None
        bone, = children
    else:
        ends = [
            j for j in range(skeleton.num_joints)
            if armature.parents[armature.joints[j]] == node
        ]
        bone, = ends
    return _bone_rotation(skeleton, bone, directions, local, fps)


def _direction(bone: np.ndarray) -> np.ndarray:
    """Unit vectors (F, 3); NaN where a bone has no length or no place."""
    length = np.linalg.norm(bone, axis=-1, keepdims=True)
    with np.errstate(invalid='ignore', divide='ignore'):
        return np.where(length > MIN_LENGTH, bone / length, np.nan)


def _directions(points: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """Unit vectors from parents to joints, (F, J, 3), without holes."""
    directions = np.zeros_like(points, float)
    rest = rest_directions(skeleton)
    for parent, child in skeleton.bones:
        unit = _filled(
            _direction(points[:, child] - points[:, parent]),
            f'the bone to {skeleton.joints[child]}')
        directions[:, child] = _unit(unit, rest[child])
    return directions


def _filled(rows: np.ndarray, name: str) -> np.ndarray:
    """Rows (F, 3), those with NaN interpolated in time."""
    known = np.isfinite(rows).all(-1)
    if known.all():
        return rows
    if not known.any():
        raise ValueError(f'{name}: expected a frame that tells where it is, '
                         f'found none in {len(rows)} frames')
    frames = np.arange(len(rows))
    return np.stack(
        [np.interp(frames, frames[known], axis[known]) for axis in rows.T], -1)


def _unit(rows: np.ndarray, otherwise: tuple) -> np.ndarray:
    """Rows of length 1; ``otherwise`` where two opposite ones met."""
    length = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.where(length > 1e-6, rows / np.maximum(length, 1e-6), otherwise)


def _trunk_rotation(skeleton: Skeleton, joint: int,
                    directions: np.ndarray) -> np.ndarray:
    """Rotation (F, 3, 3) of a joint at which bones part.

    The one that brings the T-pose's directions closest to those of today, in
    the least squares sense (Kabsch). Below the root it is told by the bones
    that come in pairs and by the one that leads to the joint: a head that
    nods does not turn the shoulders.
    """
    paired = {index for pair in skeleton.flip_pairs for index in pair}
    children = children_of(skeleton, joint)
    bones = [(child, 1) for child in children]
    if skeleton.parents[joint] >= 0 and paired & set(children):
        bones = [(child, 1) for child in children if child in paired]
        bones.append((joint, -1))
    known = np.array(rest_directions(skeleton))
    rest = np.array([sign * known[bone] for bone, sign in bones])
    today = np.stack([sign * directions[:, bone] for bone, sign in bones], 1)
    left, _, right = np.linalg.svd(np.einsum('fbi,bj->fij', today, rest))
    flip = np.sign(np.linalg.det(left @ right))
    left[..., -1] *= flip[:, None]
    return left @ right


def _bone_rotation(skeleton: Skeleton, bone: int, directions: np.ndarray,
                   local: np.ndarray, fps: float) -> np.ndarray:
    """Rotation (F, 3, 3) of a bone from its parent's axes.

    Args:
        skeleton (Skeleton): J joints.
        bone (int): The joint at its end.
        directions (np.ndarray): (F, J, 3).
        local (np.ndarray): (F or 1, 3, 3) into the parent's axes.
        fps (float): Frames a second.
    """
    rest = np.array(rest_directions(skeleton)[bone])
    axis = hinge(skeleton.joints[bone])
    here = np.einsum('...ij,...j->...i', local, directions[:, bone])
    swing = _swings(np.broadcast_to(rest, here.shape), here)
    across = _across(rest) if axis is None else np.array(axis)
    # What an untwisted bone counts fades where the swing is about to reverse.
    wanted = REST_WEIGHT * (1 + here @ rest) / 2 + 0j
    children = children_of(skeleton, bone)
    if axis is not None and len(children) == 1:
        plane = np.cross(directions[:, bone], directions[:, children[0]])
        plane = np.einsum('...ij,...j->...i', local, plane)
        sine = np.linalg.norm(plane, axis=-1)
        angle = _angles(across, _turned_back(swing, plane), rest)
        wanted = wanted + sine**2 * np.exp(1j * angle)
    carried = _swings(here[:-1], here[1:]) @ swing[:-1] @ across
    carry = _angles(across, _turned_back(swing[1:], carried), rest)
    return swing @ _about(rest, _twists(wanted, carry, fps))


def _across(direction: np.ndarray) -> np.ndarray:
    """A unit vector (3, ) at right angles to another one."""
    across = np.cross(direction, np.eye(3)[np.abs(direction).argmin()])
    return across / np.linalg.norm(across)


def _twists(wanted: np.ndarray, carry: np.ndarray, fps: float) -> np.ndarray:
    """Angles (F, ) about a bone, radians, that change with bounded speed.

    Args:
        wanted (np.ndarray): (F, ) complex: angle, and how much it counts.
        carry (np.ndarray): (F - 1, ) what the bone's direction adds.
        fps (float): Frames a second.
    """
    target = np.angle(wanted)
    gain = 1 - np.exp(-np.abs(wanted) * TWIST_GAIN / fps)
    most = MAX_TWIST_RATE / fps
    twist = np.empty(len(target))
    now = twist[0] = target[0]
    for frame in range(1, len(target)):
        now += carry[frame - 1]
        off = (target[frame] - now + np.pi) % (2 * np.pi) - np.pi
        now += min(max(off * gain[frame], -most), most)
        twist[frame] = now
    return twist


def _swings(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Least rotations (..., 3, 3) from unit vectors to others.

    Where they are opposite, half a turn about any axis across.
    """
    cosine = (start * end).sum(-1)
    quaternion = np.concatenate([(1 + cosine)[..., None],
                                 np.cross(start, end)], -1)
    across = np.cross(start, np.eye(3)[np.abs(start).argmin(-1)])
    half = np.concatenate([np.zeros_like(cosine)[..., None], across], -1)
    quaternion = np.where(cosine[..., None] < -1 + 1e-9, half, quaternion)
    w, x, y, z = np.moveaxis(
        quaternion / np.linalg.norm(quaternion, axis=-1, keepdims=True), -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)]
    ]
    return np.stack([np.stack(row, -1) for row in rows], -2)


def _turned_back(rotations: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Vectors (F, 3) before they were rotated."""
    return np.einsum('fji,fj->fi', rotations, rows)


def _angles(start: np.ndarray, rows: np.ndarray,
            axis: np.ndarray) -> np.ndarray:
    """Angles (F, ) from a vector to others about an axis."""
    return np.arctan2(rows @ np.cross(axis, start), rows @ start)


def _about(axis: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """Rotations (F, 3, 3) about an axis."""
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    sine, cosine = np.sin(angles)[:, None, None], np.cos(angles)[:, None, None]
    return np.eye(3) + sine * cross + (1 - cosine) * (cross @ cross)
