# Copyright (c) mmdiffpose contributors. All rights reserved.
"""DeepMimic's motions (Peng et al., SIGGRAPH 2018): JSON, one humanoid.

A character file is a tree of joints. A joint stands at ``Attach`` in its
parent's frame, and everything that hangs on it turns with its rotation. A
motion file is a list of frames: seconds to the next frame, the root's
position and rotation, then the rotation of every joint in the order of the
character's IDs. Metres, right-handed, x forward, y up, z to the right.

What the files do not say:

- rotations are quaternions with the **real part first**;
- they are not always of unit length: in the published kicks, rolls and flips
  they were edited component by component, down to a length of 0.58. Scaled to
  one they turn smoothly;
- the number of values depends on the joint's type: four for ``spherical``,
  one angle in radians about z for ``revolute`` (knees, elbows), none for
  ``fixed`` (wrists, which have no columns at all);
- the time of the last frame is meaningless, zero in most files, because it
  has no next one;
- frame rates run from 16 to 120 frames a second. Between two frames
  rotations go along the shortest arc; that is how the simulator reads its
  files, and how :func:`read_motion` gives any frame rate.

There is no head joint: the skull is a ball on the neck's frame.
"""

from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Dict, List, Mapping, Tuple, Union

import numpy as np
from scipy.spatial.transform import Rotation, Slerp

from mmdiffpose.input_files import numbers, read_json
from .h36m_mapping import JointMapping

PathLike = Union[str, Path]

H36M_FROM_DEEPMIMIC: JointMapping = MappingProxyType({
    'root': ('left_hip', 'right_hip'),
    'right_hip': ('right_hip', ),
    'right_knee': ('right_knee', ),
    'right_foot': ('right_ankle', ),
    'left_hip': ('left_hip', ),
    'left_knee': ('left_knee', ),
    'left_foot': ('left_ankle', ),
    'spine': ('chest', ),
    # Human3.6M's thorax lies on the line of the shoulders.
    'thorax': ('left_shoulder', 'right_shoulder'),
    'neck_base': ('neck', 'head'),
    'head': ('head', ),
    'left_shoulder': ('left_shoulder', ),
    'left_elbow': ('left_elbow', ),
    'left_wrist': ('left_wrist', ),
    'right_shoulder': ('right_shoulder', ),
    'right_elbow': ('right_elbow', ),
    'right_wrist': ('right_wrist', ),
})
"""For :func:`read_motion`'s joints, to use with
:func:`~mmdiffpose.datasets.mocap.h36m_mapping.map_joints`."""

_WIDTHS = {'none': 4, 'spherical': 4, 'revolute': 1, 'fixed': 0}
_HEAD = 'head'
_SKULL = 'neck'
_MIN_SECONDS = 1e-4
_MAX_SECONDS = 60.
_LARGEST = 1e6
_NORMS = (0.4, 1.5)


@dataclass(frozen=True)
class DeepMimicJoint:
    """A joint of a character.

    Attributes:
        name: Its name.
        parent: Index of its parent, -1 for the root.
        kind: ``'none'`` (the root, which moves freely), ``'spherical'``,
            ``'revolute'`` or ``'fixed'``.
        offset: From the parent, in the parent's frame, metres (3,).
    """
    name: str
    parent: int
    kind: str
    offset: np.ndarray


@dataclass(frozen=True)
class DeepMimicCharacter:
    """The content of a character file.

    Attributes:
        joints: Parents before children.
        head: Centre of the skull in the frame of the neck, metres (3,).
    """
    joints: Tuple[DeepMimicJoint, ...]
    head: np.ndarray

    @property
    def width(self) -> int:
        """Numbers in a frame: seconds, position, rotations."""
        return 4 + sum(_WIDTHS[joint.kind] for joint in self.joints)


def read_character(path: PathLike) -> DeepMimicCharacter:
    """Read a character file (``humanoid3d.txt``).

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no character file, has joints of another type
            than a humanoid's, or a parent after its child.
    """
    content = _load(path)
    try:
        entries = content['Skeleton']['Joints']
        joints = tuple(_joint(entry, i) for i, entry in enumerate(entries))
        skull = next(body for body in content['BodyDefs']
                     if body['Name'] == _SKULL)
        head = _vector(skull, 'Attach')
    except (KeyError, TypeError, StopIteration, ValueError, AttributeError,
            OverflowError) as error:
        raise ValueError(f'{path} cannot be read as a DeepMimic character: '
                         f'{type(error).__name__}: {error}') from error
    return DeepMimicCharacter(joints, head)


def read_motion(path: PathLike,
                character: DeepMimicCharacter,
                fps: float = 60.) -> Dict[str, np.ndarray]:
    """Joint positions of a motion at a steady frame rate.

    Args:
        path: The motion file.
        character: Who moves.
        fps: Frames a second wanted.

    Returns:
        Positions (F, 3) in metres, y up, by joint; the skull's centre is
        called ``'head'``. Frame ``i`` is at ``i / fps`` seconds, up to the
        last frame of the file and not beyond.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no motion file, does not fit the character,
            holds a number that is not finite, a quaternion far from unit
            length, or times that do not run forward.
    """
    if not fps > 0:
        raise ValueError(f'fps must be positive, got {fps}')
    frames = _frames(path, character)
    times = np.append(0, np.cumsum(frames[:-1, 0]))
    # A hair of tolerance keeps the last frame where the rates divide.
    wanted = np.arange(int(times[-1] * fps + 1e-6) + 1) / fps
    wanted = np.minimum(wanted, times[-1])
    root = np.stack(
        [np.interp(wanted, times, frames[:, 1 + axis]) for axis in range(3)],
        axis=1)
    turns: List[Rotation] = []
    positions: Dict[str, np.ndarray] = {}
    column = 4
    for joint in character.joints:
        width = _WIDTHS[joint.kind]
        values = frames[:, column:column + width]
        column += width
        turn = _turn_at(values, times, wanted, path, joint.name)
        if joint.parent < 0:
            positions[joint.name] = root
        else:
            parent = character.joints[joint.parent].name
            above = turns[joint.parent]
            positions[joint.name] = (
                positions[parent] + above.apply(joint.offset))
            turn = above * turn
        turns.append(turn)
    neck = next(i for i, joint in enumerate(character.joints)
                if joint.name == _SKULL)
    positions[_HEAD] = positions[_SKULL] + turns[neck].apply(character.head)
    return positions


def _turn_at(values: np.ndarray, times: np.ndarray, wanted: np.ndarray,
             path: PathLike, name: str) -> Rotation:
    """Rotations of one joint at the times that are wanted."""
    if values.shape[1] == 0:
        return Rotation.identity()
    if values.shape[1] == 1:
        angles = np.interp(wanted, times, values[:, 0])
        return Rotation.from_rotvec(angles[:, None] * [0, 0, 1])
    norms = np.linalg.norm(values, axis=1)
    if norms.min() < _NORMS[0] or norms.max() > _NORMS[1]:
        frame = int(np.abs(norms - 1).argmax())
        raise ValueError(f'{path}: the quaternion of "{name}" in frame '
                         f'{frame} has the length {norms[frame]:g}; the file '
                         'is damaged or of another character')
    return Slerp(times, Rotation.from_quat(np.roll(values, -1, axis=1)))(
        wanted)


def _frames(path: PathLike, character: DeepMimicCharacter) -> np.ndarray:
    """The frames of a motion file (F, width), checked."""
    content = _load(path)
    rows = content.get('Frames') if isinstance(content, dict) else None
    if not rows or not isinstance(rows, list):
        raise ValueError(f'{path} cannot be read as a DeepMimic motion: it '
                         'has no "Frames"')
    widths = {len(row) if isinstance(row, list) else 0 for row in rows}
    if widths != {character.width}:
        raise ValueError(f'{path}: expected frames of {character.width} '
                         f'numbers for this character, found {sorted(widths)}')
    frames = numbers(str(path), rows, 'numbers in all frames')
    if not np.isfinite(frames).all():
        bad = int(np.flatnonzero(~np.isfinite(frames).all(axis=1))[0])
        raise ValueError(f'{path}: frame {bad} is NaN or infinite')
    if np.abs(frames).max() > _LARGEST:
        bad = int((np.abs(frames) > _LARGEST).any(axis=1).argmax())
        raise ValueError(f'{path}: expected seconds, metres and angles, found '
                         f'a number beyond {_LARGEST:g} in frame {bad}')
    if len(frames) < 2 or (frames[:-1, 0].min() < _MIN_SECONDS
                           or frames[:-1, 0].max() > _MAX_SECONDS):
        raise ValueError(
            f'{path}: expected two and more frames, each but the last with '
            'the positive number of seconds to the next, at most '
            f'{_MAX_SECONDS:g}')
    return frames


def _joint(entry: Mapping[str, Any], index: int) -> DeepMimicJoint:
    parent, kind = int(entry['Parent']), entry['Type']
    if entry['ID'] != index or not -1 <= parent < index or ((parent < 0)
                                                            != (index == 0)):
        raise ValueError(f'joint {index} has the ID {entry["ID"]} and the '
                         f'parent {parent}')
    if kind not in _WIDTHS or (kind == 'none') != (parent < 0):
        raise ValueError(f'joint "{entry["Name"]}" has the type "{kind}"; '
                         f'known are {sorted(_WIDTHS)}, "none" for the root')
    if parent < 0 and _vector(entry, 'Attach').any():
        raise ValueError('the root stands beside its own position (Attach), '
                         'expected zeros')
    if _vector(entry, 'AttachTheta').any():
        raise ValueError(f'joint "{entry["Name"]}" is turned against its '
                         'parent at rest (AttachTheta), expected zeros')
    return DeepMimicJoint(
        name=entry['Name'],
        parent=parent,
        kind=kind,
        offset=_vector(entry, 'Attach'))


def _vector(entry: Mapping[str, Any], prefix: str) -> np.ndarray:
    values = [entry.get(prefix + axis, 0) for axis in 'XYZ']
    vector = numbers(prefix, values, 'three numbers', (3, ))
    if not np.isfinite(vector).all():
        raise ValueError(f'{prefix}: expected finite numbers, found {values}')
    return vector


def _load(path: PathLike) -> Any:
    return read_json(path, 'a file of DeepMimic')
