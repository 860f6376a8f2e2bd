# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Reader for Biovision Hierarchy (BVH) motion capture files.

Only what lifting needs: the joint tree and global joint positions. End sites
are kept as joints, because the tip of the head and of the feet are where
marker-based skeletons end.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, Iterator, List, Mapping, Optional, Tuple, Union

import numpy as np

from mmdiffpose.input_files import read_text

MAX_FRAME_TIME = 1.
"""Seconds: a larger "Frame Time" is a rate, or of another unit."""
_AXES = {'X': 0, 'Y': 1, 'Z': 2}
MAX_STIFF = 10
"""Joints for each channel; what moves takes memory for all of them."""


@dataclass
class BvhNode:
    """One joint of a BVH hierarchy.

    Attributes:
        name: Joint name; an end site is called ``<parent>_end``.
        parent: Index of the parent, -1 for a root.
        offset: (3,) offset from the parent in file units.
        channels: Channel names in file order, e.g. ``'Zrotation'``.
    """
    name: str
    parent: int
    offset: np.ndarray
    channels: List[str] = field(default_factory=list)


@dataclass(frozen=True)
class BvhClip:
    """Joint positions of one BVH file.

    Attributes:
        joints: Joint names in file order, end sites included.
        parents: Index of each joint's parent, -1 for the root.
        positions: (F, J, 3) global positions in file units and file axes.
        frame_time: Seconds per frame.
    """
    joints: Tuple[str, ...]
    parents: Tuple[int, ...]
    positions: np.ndarray
    frame_time: float

    @property
    def index(self) -> Dict[str, int]:
        """Joint name to index."""
        return {name: i for i, name in enumerate(self.joints)}


def axis_rotation(axis: int, degrees: np.ndarray) -> np.ndarray:
    """Right-handed rotation matrices about one coordinate axis.

    Args:
        axis: 0, 1 or 2 for x, y, z.
        degrees: (...,) angles.

    Returns:
        (..., 3, 3) rotation matrices.
    """
    angle = np.deg2rad(np.asarray(degrees, np.float64))
    cos, sin = np.cos(angle), np.sin(angle)
    matrix = np.zeros(angle.shape + (3, 3))
    first, second = (axis + 1) % 3, (axis + 2) % 3
    matrix[..., axis, axis] = 1
    matrix[..., first, first] = matrix[..., second, second] = cos
    matrix[..., first, second] = -sin
    matrix[..., second, first] = sin
    return matrix


def _parse_hierarchy(tokens: Iterator[str]) -> List[BvhNode]:
    nodes: List[BvhNode] = []
    stack: List[int] = []
    for token in tokens:
        if nodes == [] and token not in ('HIERARCHY', 'ROOT'):
            break
        if token in ('ROOT', 'JOINT', 'End'):
            parent = stack[-1] if stack else -1
            name = next(tokens)
            if token == 'End':
                name = f'{nodes[parent].name}_end'
            nodes.append(BvhNode(name, parent, np.zeros(3)))
        elif token == '{':
            stack.append(len(nodes) - 1)
        elif token == '}':
            stack.pop()
        elif token == 'OFFSET':
            nodes[-1].offset = np.array([float(next(tokens)) for _ in '123'])
        elif token == 'CHANNELS':
            count = int(next(tokens))
            nodes[-1].channels = [next(tokens) for _ in range(count)]
        elif token == 'MOTION':
            return nodes
        elif token != 'HIERARCHY':
            raise ValueError(f'with an unexpected {token!r}')
    raise ValueError('without an end')


def _forward_kinematics(nodes: List[BvhNode],
                        motion: np.ndarray) -> np.ndarray:
    """Global positions (F, J, 3) from the channel values (F, C)."""
    frames = len(motion)
    positions = np.zeros((frames, len(nodes), 3))
    rotations = np.zeros((frames, len(nodes), 3, 3))
    column = 0
    added = _displacements(nodes, motion)
    for i, node in enumerate(nodes):
        local = np.broadcast_to(np.eye(3), (frames, 3, 3))
        offset = np.broadcast_to(node.offset, (frames, 3)).copy()
        for channel in node.channels:
            axis, value = _AXES[channel[0].upper()], motion[:, column]
            if channel.lower().endswith('position'):
                keep = added and node.parent >= 0
                offset[:, axis] = value + (node.offset[axis] if keep else 0)
            else:
                local = local @ axis_rotation(axis, value)
            column += 1
        if node.parent < 0:
            positions[:, i], rotations[:, i] = offset, local
        else:
            above = rotations[:, node.parent]
            positions[:, i] = positions[:, node.parent] + np.einsum(
                'fij,fj->fi', above, offset)
            rotations[:, i] = above @ local
    return positions


def _check_hierarchy(nodes: List[BvhNode], path: Path) -> None:
    """Raise unless joints have names of their own and known channels."""
    known = {
        f'{axis}{kind}'
        for axis in 'XYZ'
        for kind in ('position', 'rotation')
    }
    for node in nodes:
        strange = [c for c in node.channels if c.capitalize() not in known]
        if strange:
            raise ValueError(f'{path}: joint {node.name!r} has the channels '
                             f'{strange}, expected some of {sorted(known)}')
        if not np.isfinite(node.offset).all():
            raise ValueError(f'{path}: the offset of {node.name!r} is not '
                             'finite')
    if not nodes:
        raise ValueError(f'{path}: expected a hierarchy of joints, found none')
    names = [node.name for node in nodes if not node.name.endswith('_end')]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f'{path}: expected joints of different names, found '
                         f'{twice[:80]!r} twice')


def _displacements(nodes: List[BvhNode], motion: np.ndarray) -> bool:
    """Whether joints' position channels are added to OFFSET.

    In nearly all files they replace it. They do not where every joint but the
    roots would then lie on its parent in all frames.
    """
    column, added = 0, False
    for node in nodes:
        for channel in node.channels:
            if channel.lower().endswith('position') and node.parent >= 0:
                if np.abs(motion[:, column]).max() > 1e-6:
                    return False
                added = added or bool(np.abs(node.offset).max() > 1e-6)
            column += 1
    return added


def load_bvh(path: Union[str, Path],
             offsets: Optional[Mapping[str, np.ndarray]] = None) -> BvhClip:
    """Reads a BVH file and runs its forward kinematics.

    A joint's rotation is the product of its rotation channels in file order,
    ``R = R_1 R_2 R_3``, applied to column vectors. A position channel takes
    the place of that component of ``OFFSET``, as in the readers of LAFAN1 and
    of Blender. Where every joint has them (Bandai Namco), they repeat the
    offset, and added to it every bone would be twice its length. They are
    added to it only where they are 0 on all joints but the root in all frames:
    otherwise no bone would have a length.

    Args:
        path: BVH file.
        offsets: (3,) offsets in file units by joint name that replace the
            file's, for files whose conversion lost some bones' lengths.

    Returns:
        The clip in file units and axes (most files: y up).

    Raises:
        FileNotFoundError: If the file doesn't exist.
        ValueError: If the file is truncated, malformed or holds a number
            that isn't finite, or if ``offsets`` names an unknown joint.
    """
    path = Path(path)
    head, separator, body = read_text(path, 'a BVH file').partition('MOTION')
    if not separator:
        raise ValueError(f'{path}: no MOTION section, the file is truncated')
    try:
        nodes = _parse_hierarchy(iter((head + separator).split()))
    except (StopIteration, IndexError, ValueError) as error:
        raise ValueError(
            f'{path}: malformed or truncated hierarchy {error}') from error
    _check_hierarchy(nodes, path)
    by_name = {node.name: node for node in nodes}
    for name, offset in (offsets or {}).items():
        if name not in by_name:
            raise ValueError(f'{path}: no joint {name!r} to replace the '
                             f'offset of, found {sorted(by_name)}')
        by_name[name].offset = np.asarray(offset, np.float64)
    lines = body.strip().splitlines()
    try:
        frames = int(lines[0].split(':')[1])
        frame_time = float(lines[1].split(':')[1])
        values = np.array(' '.join(lines[2:]).split(), np.float64)
    except (IndexError, ValueError) as error:
        raise ValueError(f'{path}: malformed MOTION section') from error
    channels = sum(len(node.channels) for node in nodes)
    if len(nodes) > MAX_STIFF * channels:
        raise ValueError(f'{path}: expected joints that move, found '
                         f'{len(nodes)} of {channels} channels')
    if values.size != frames * channels:
        raise ValueError(f'{path}: expected {frames} frames of {channels} '
                         f'channels = {frames * channels} numbers, found '
                         f'{values.size}')
    if not np.isfinite(values).all() or not np.isfinite(frame_time):
        raise ValueError(f'{path}: numbers that are not finite')
    if frames < 1 or not 0 < frame_time <= MAX_FRAME_TIME:
        raise ValueError(f'{path}: expected frames and the seconds of each, '
                         f'found {frames} and {frame_time}')
    with np.errstate(over='ignore', invalid='ignore'):
        positions = _forward_kinematics(nodes,
                                        values.reshape(frames, channels))
    if not np.isfinite(positions).all():
        raise ValueError(f'{path}: numbers whose sum is not finite')
    return BvhClip(
        joints=tuple(node.name for node in nodes),
        parents=tuple(node.parent for node in nodes),
        positions=positions,
        frame_time=frame_time)
