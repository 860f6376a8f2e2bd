# Copyright (c) mmdiffpose contributors. All rights reserved.
"""From points in a world and calibrated cameras to a recording."""

from pathlib import Path
from typing import Dict, List, Mapping, NamedTuple, Optional, Tuple, Union

import numpy as np

from mmdiffpose.input_files import check_name, read_json
from mmdiffpose.skeletons import SKELETONS, Skeleton, map_joints
from mmdiffpose.skeletons.metainfo import root_of_metainfo
from mmdiffpose.structures.keypoint_track import KeypointTrack
from ..annotation_files.camera_files import (CameraParam, camera_from_world,
                                             project_points)
from ..recordings.recording_file import Recording, own_skeleton
from ..windows.sequence import PoseSequence, fill_unknown
from .calibrations import plain_name
from .markers import Markers

AXES = {
    'same': ((0, 1, 2), (1, 1, 1)),
    # Pose2Sim's TRC files: (y, z, x) of the calibration's axes.
    'pose2sim': ((2, 0, 1), (1, 1, 1)),
    # y up, and z up as a quarter turn about x makes it.
    'y-up': ((0, 2, 1), (1, -1, 1)),
}
"""Where the calibration's x, y and z are found in the points', and their
signs: ``world = points[..., order] * signs``."""

LEAST_INSIDE = 0.5
"""Share of points that the cameras must see, or the axes are wrong."""


class JointPlan(NamedTuple):
    """Which points make which joints.

    Attributes:
        parts: Names of the points whose mean a joint is, by joint.
        links: Names of joints that bones connect, or None.
        root: Name of the root joint, or None.
    """
    parts: Dict[str, List[str]]
    links: Optional[List[Tuple[str, str]]]
    root: Optional[str]


def read_joint_plan(path: Optional[Union[str, Path]],
                    markers: Markers) -> JointPlan:
    """Read which points make which joints.

    Args:
        path: A JSON file with ``joints``, a name or a list of names of points
            for each joint, and optionally ``links``, pairs of joints, and
            ``root``. None: each point is a joint.
        markers: The points.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no such file, or names points that are not there.
    """
    if path is None:
        return JointPlan({name: [name] for name in markers.names}, None, None)
    content = read_json(path, 'a file of joints')
    try:
        parts = {
            str(joint): [names] if isinstance(names, str) else list(names)
            for joint, names in content['joints'].items()
        }
        links = content.get('links')
        links = None if links is None else [(str(a), str(b)) for a, b in links]
        root = content.get('root')
        if not parts or not all(parts.values()):
            raise ValueError('expected at least one joint, and at least one '
                             'point of each')
        if root is not None and root not in list(parts):
            raise ValueError(f'root: expected one of {list(parts)}, found '
                             f'{root!r}')
        for name in parts:
            check_name('joints', name)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f'{path}: expected JSON with "joints": {{joint: [points]}}, and '
            f'optionally "links" and "root" ({error!r})') from error
    unknown = sorted({
        name
        for names in parts.values()
        for name in names if name not in markers.names
    })
    if unknown:
        raise ValueError(f'{path}: expected points out of {markers.names}, '
                         f'found {unknown}')
    return JointPlan(parts, links, root)


def joints_of(markers: Markers, plan: JointPlan) -> np.ndarray:
    """Joints (F, J, 3) in metres, NaN where one of their points is."""
    index = {name: i for i, name in enumerate(markers.names)}
    return np.stack([
        markers.points[:, [index[name] for name in names]].mean(axis=1)
        for names in plan.parts.values()
    ],
                    axis=1)


def plan_skeleton(plan: JointPlan, joints: np.ndarray) -> Skeleton:
    """The joint set; bones that nothing names are those that stay rigid.

    Raises:
        ValueError: If nothing says which joint is the root.
    """
    names = list(plan.parts)
    root = plan.root
    if root is None:
        found = root_of_metainfo({}, names)
        if found is None:
            raise ValueError(
                f'nothing says which of the joints {names} is the root: name '
                'it (--root, or "root" of the joints file)')
        root = names[found]
    if plan.links is not None:
        unknown = sorted({j for link in plan.links for j in link} - set(names))
        if unknown:
            raise ValueError(f'links: expected joints out of {names}, found '
                             f'{unknown}')
        links = [(names.index(a), names.index(b)) for a, b in plan.links]
    else:
        links = _known_links(names) or rigid_links(joints)
    return own_skeleton(names, links, root)


def _known_links(names: List[str]) -> Optional[List[Tuple[int, int]]]:
    """Bones of a joint set that has just these names."""
    for skeleton in SKELETONS.values():
        if list(skeleton.joints) == names:
            return [(int(a), int(b))
                    for a, b in skeleton.links or skeleton.bones]
    return None


def rigid_links(joints: np.ndarray) -> List[Tuple[int, int]]:
    """Bones: the tree whose joints keep their distances best.

    A minimum spanning tree over the distances' standard deviation in time
    and, far less, their mean, so that of two joints that are as rigid the
    nearer one is taken.

    Args:
        joints: (F, J, 3), metres; NaN where a joint is not known.

    Raises:
        ValueError: If there is no frame.
    """
    if not len(joints):
        raise ValueError('joints: expected at least one frame, found none')
    rows = joints[np.linspace(0,
                              len(joints) - 1, min(len(joints),
                                                   500)).astype(int)]
    apart = np.linalg.norm(rows[:, :, None] - rows[:, None], axis=-1)
    with np.errstate(invalid='ignore'):
        cost = np.nanstd(apart, axis=0) + 0.05 * np.nanmean(apart, axis=0)
    cost = np.nan_to_num(cost, nan=1e3)
    reached, links = [0], []
    while len(reached) < len(cost):
        rest = [j for j in range(len(cost)) if j not in reached]
        block = cost[np.ix_(reached, rest)]
        one, other = np.unravel_index(block.argmin(), block.shape)
        links.append((reached[one], rest[other]))
        reached.append(rest[other])
    return links


def find_axes(joints: np.ndarray, cameras: Mapping[str, CameraParam]) -> str:
    """In which axes points have to be read so that the cameras see them.

    Args:
        joints: (F, J, 3), metres; NaN where a joint is not known.
        cameras: By name.

    Returns:
        One of :data:`AXES`.

    Raises:
        ValueError: If the cameras see less than half of them in any.
    """
    shares = {
        name:
        float(
            np.mean([
                _share_inside(to_axes(joints, name), camera)
                for camera in cameras.values()
            ]))
        for name in AXES
    }
    best = max(shares, key=lambda name: shares[name])
    if shares[best] < LEAST_INSIDE:
        raise ValueError(
            'the cameras see '
            f'{100 * shares[best]:.0f} % of the points at most (axes '
            f'{best!r}): points and calibration differ in their unit or their '
            'axes, or are of two recordings')
    return best


def to_axes(joints: np.ndarray, axes: str) -> np.ndarray:
    """Points (..., 3) in the calibration's axes."""
    order, signs = AXES[axes]
    return joints[..., list(order)] * np.array(signs)


def _share_inside(joints: np.ndarray, camera: CameraParam) -> float:
    """Share of the known points that lie in a camera's picture."""
    points = camera_from_world(joints[np.isfinite(joints).all(axis=-1)],
                               camera)
    front = points[:, 2] > 0
    pixels = project_points(np.where(front[:, None], points, 1), camera)
    inside = ((pixels >= 0) & (pixels < [camera['w'], camera['h']])).all(-1)
    return float((front & inside).mean()) if len(points) else 0.


def recording_of(
        markers: Markers,
        cameras: Mapping[str, CameraParam],
        plan: JointPlan,
        person: str,
        clip: str,
        axes: str = 'auto',
        keypoints: Optional[Mapping[str, KeypointTrack]] = None) -> Recording:
    """Views of one person's clip.

    Args:
        markers: Points in the world.
        cameras: With ``R`` and ``T``, by name.
        plan: Which points make which joints.
        person: Name of the person.
        clip: Name of the clip; its action up to the first underscore.
        axes: One of :data:`AXES`, or ``'auto'``.
        keypoints: 2D keypoints by camera, as many frames as there are of
            points. Cameras without one get exact projections.

    Returns:
        A recording of as many sequences as there are cameras.

    Raises:
        ValueError: If points, cameras and keypoints do not fit each other.
    """
    keypoints = dict(keypoints or {})
    unknown = sorted(set(keypoints) - set(cameras))
    if unknown:
        raise ValueError(f'keypoints: expected cameras out of '
                         f'{sorted(cameras)}, found {unknown}')
    joints = joints_of(markers, plan)
    axes = find_axes(joints, cameras) if axes == 'auto' else axes
    world = to_axes(joints, axes)
    skeleton = plan_skeleton(plan, joints)
    known = np.isfinite(world).all(axis=-1)
    sequences = []
    for name, camera in cameras.items():
        poses = camera_from_world(fill_unknown(world, known), camera)
        flat = _keypoints(
            keypoints.get(name), skeleton, poses, known, camera,
            f'camera {name}')
        sequences.append(
            PoseSequence(
                subject=plain_name(person),
                action=clip.split('_')[0],
                camera=name,
                clip=clip.replace('.', '-').replace('/', '-'),
                keypoints_2d=flat[0],
                scores=flat[1],
                keypoints_3d=poses.astype(np.float32),
                camera_param=dict(camera),
                visible=None if known.all() else known.astype(np.float32)))
    return Recording(skeleton, markers.fps, sequences)


def _keypoints(track: Optional[KeypointTrack], skeleton: Skeleton,
               poses: np.ndarray, known: np.ndarray, camera: CameraParam,
               where: str) -> Tuple[np.ndarray, np.ndarray]:
    """2D joints in pixels and scores, of a detector or projected."""
    if track is None:
        front = known & (poses[..., 2] > 0)
        points = project_points(np.where(front[..., None], poses, 1), camera)
        return points.astype(np.float32), front.astype(np.float32)
    if len(track.keypoints) != len(poses):
        raise ValueError(
            f'{where}: {track.source} has {len(track.keypoints)} frames, the '
            f'points have {len(poses)}: both must be of the same frames')
    return map_joints(track.keypoints, track.scores, track.skeleton, skeleton)
