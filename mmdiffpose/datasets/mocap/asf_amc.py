# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Acclaim motion capture: skeletons (ASF) and motions (AMC).

Conventions, as CMU's and HDM05's files use them: a bone's ``axis`` gives the
frame C in which its angles are meant, and the bone turns by C R C^-1 on top
of its parent, with R composed of the ``dof`` present, the first one applied
first (``rx ry rz`` is Rz Ry Rx). ``direction`` and ``length`` are given in
the rest pose. Lengths and the root's translation are in inches divided by
the ``length`` of the ``:units`` block. The axes of the world are
right-handed, y up. A motion's own ``:RADIANS`` or ``:DEGREES`` overrides the
skeleton's unit of angles.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional, Tuple, Union

import numpy as np

from mmdiffpose.input_files import read_text

PathLike = Union[str, Path]
INCH = 0.0254
"""Metres."""

ROOT = 'root'


@dataclass(frozen=True)
class Bone:
    """One bone of a skeleton.

    Attributes:
        name: Its name; the joint at its far end goes by it too.
        parent: The bone that it hangs on, ``'root'`` for the first ones.
        offset: From its near to its far end in the rest pose (3,), metres.
        axis: Its frame C, (3, 3).
        dof: The angles that a motion gives, for example ``('rx', 'rz')``.
    """
    name: str
    parent: str
    offset: np.ndarray
    axis: np.ndarray
    dof: Tuple[str, ...]


@dataclass(frozen=True)
class AcclaimSkeleton:
    """The content of an ASF file.

    Attributes:
        bones: Parents before children.
        root_order: The root's channels, for example
            ``('tx', 'ty', 'tz', 'rx', 'ry', 'rz')``.
        unit: Metres a unit of length.
        degrees: Whether angles are degrees rather than radians.
    """
    bones: Tuple[Bone, ...]
    root_order: Tuple[str, ...]
    unit: float
    degrees: bool

    @property
    def joints(self) -> Tuple[str, ...]:
        """The root, then the far end of each bone, J names."""
        return (ROOT, ) + tuple(bone.name for bone in self.bones)

    @property
    def parents(self) -> Tuple[int, ...]:
        """Index of each joint's parent, -1 for the root."""
        index = {name: i for i, name in enumerate(self.joints)}
        return (-1, ) + tuple(index[bone.parent] for bone in self.bones)


def read_asf(path: PathLike) -> AcclaimSkeleton:
    """Read an Acclaim skeleton.

    Args:
        path: The ASF file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no ASF file, or lacks a part.
    """
    sections = _sections(read_text(path), path)
    try:
        units = _pairs(sections['units'])
        root = _pairs(sections['root'])
        unit = INCH / float(units['length'][0])
        degrees = units['angle'][0].lower().startswith('deg')
        parents = _hierarchy(sections['hierarchy'])
        blocks = _blocks(sections['bonedata'])
        bones = {}
        for block in blocks:
            bone = _bone(block, parents, unit, degrees)
            bones[bone.name] = bone
        for name in ('position', 'orientation'):
            if any(float(word) for word in root[name]):
                raise ValueError(
                    f'a root with {name} {root[name]} is not supported, '
                    'expected 0 0 0')
        root_order = tuple(name.lower() for name in root['order'])
        _check_root(root_order, root.get('axis'))
        ordered = tuple(bones[name] for name in parents)
        for bone in ordered:
            if not (np.isfinite(bone.offset).all()
                    and np.isfinite(bone.axis).all()):
                raise ValueError(f'the length, the direction or the axis of '
                                 f'"{bone.name}" is not finite')
    except (KeyError, IndexError, ValueError, TypeError,
            ArithmeticError) as error:
        raise ValueError(
            f'{path} cannot be read as an Acclaim skeleton (ASF): '
            f'{type(error).__name__}: {error}') from error
    return AcclaimSkeleton(ordered, root_order, unit, degrees)


def _check_root(order: Tuple[str, ...], axis: Optional[List[str]]) -> None:
    """Raise unless the root moves and turns in one order.

    ``order`` says how its channels stand in the motion, ``axis`` in which
    order it turns; where the two differ, programs read it differently.
    """
    if sorted(order) != ['rx', 'ry', 'rz', 'tx', 'ty', 'tz']:
        raise ValueError(f'a root of order {order} is not supported, expected '
                         'TX TY TZ RX RY RZ in any order')
    turns = ''.join(name[1] for name in order if name[0] == 'r')
    if axis and axis[-1].lower() != turns:
        raise ValueError(
            f'a root of axis {axis[-1]} whose order turns {turns.upper()} is '
            'not supported, expected them to be the same')


def read_amc(path: PathLike,
             skeleton: AcclaimSkeleton) -> Dict[str, np.ndarray]:
    """Read an Acclaim motion.

    Args:
        path: The AMC file.
        skeleton: The skeleton that it moves.

    Returns:
        Channels (F, C) by bone, lengths as they stand in the file, angles in
        the skeleton's unit; the root's under ``'root'``.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no AMC file, is truncated, lacks frames, holds
            NaN, or names bones or channels that the skeleton lacks.
    """
    text = read_text(path)
    lines = [
        line for line in text.splitlines()
        if line.strip() and line.lstrip()[0] not in '#:'
    ]
    if not lines or not lines[0].strip().isdecimal():
        raise ValueError(
            f'{path} cannot be read as an Acclaim motion (AMC): expected the '
            f'number of the first frame, found {[s[:80] for s in lines[:1]]}')
    size = 1
    while size < len(lines) and not lines[size].strip().isdecimal():
        size += 1
    if len(lines) % size:
        raise ValueError(
            f'{path} is truncated or irregular: its first frame has '
            f'{size - 1} bones, but {len(lines)} lines are no multiple of '
            f'{size}. Get the file again')
    _check_frames(lines[::size], path)
    widths = {bone.name: len(bone.dof) for bone in skeleton.bones}
    widths[ROOT] = len(skeleton.root_order)
    channels = {}
    for position in range(1, size):
        rows = lines[position::size]
        name = rows[0].split(None, 1)[0]
        if name not in widths:
            raise ValueError(
                f'{path} moves "{name[:80]}", a bone that its skeleton has not'
            )
        if name in channels:
            raise ValueError(f'{path} moves "{name}" twice in a frame')
        channels[name] = _numbers(rows, name, widths[name], path)
    missing = {name for name, width in widths.items() if width} - set(channels)
    if missing:
        raise ValueError(f'{path} does not move {sorted(missing)}')
    return _in_unit(channels, skeleton, _unit(text))


def _check_frames(numbers: List[str], path: PathLike) -> None:
    """Raise unless the frames follow each other.

    Files that were cut and joined, or lost frames on the way, would give
    jumps that nobody made.
    """
    for number in numbers:
        if not number.strip().isdecimal() or len(number.strip()) > 18:
            raise ValueError(f'{path} is irregular: expected the number of a '
                             f'frame, found "{number.strip()[:80]}"')
    found = [int(number) for number in numbers]
    for before, after in zip(found, found[1:]):
        if after == before + 1:
            continue
        if after == before:
            what = f'frame {after} is there twice'
        elif after < before:
            what = f'frame {after} follows frame {before}'
        else:
            what = f'frames {before + 1} to {after - 1} are missing'
        raise ValueError(
            f'{path}: {what}, expected frames that count up by one. Get the '
            'file again, or make a file of each piece')


def _unit(text: str) -> Optional[str]:
    """``'rad'`` or ``'deg'`` where a motion's header says it."""
    for line in text.splitlines():
        word = line.strip().upper()
        if word in (':RADIANS', ':DEGREES'):
            return word[1:4].lower()
        if word.isdecimal():
            break
    return None


def _in_unit(channels: Dict[str, np.ndarray], skeleton: AcclaimSkeleton,
             unit: Optional[str]) -> Dict[str, np.ndarray]:
    """Angles in the skeleton's unit."""
    if unit is None or (unit == 'deg') == skeleton.degrees:
        return channels
    names = {bone.name: bone.dof for bone in skeleton.bones}
    names[ROOT] = skeleton.root_order
    convert = np.rad2deg if unit == 'rad' else np.deg2rad
    for bone, values in channels.items():
        turns = [name[0] == 'r' for name in names[bone]]
        values[:, turns] = convert(values[:, turns])
    return channels


def forward_kinematics(skeleton: AcclaimSkeleton,
                       channels: Dict[str, np.ndarray]) -> np.ndarray:
    """Joint positions of a motion.

    Args:
        skeleton: The skeleton, J - 1 bones.
        channels: The motion, as :func:`read_amc` gives it.

    Returns:
        (F, J, 3) float64, metres, right-handed, y up; the root, then the far
        end of each bone.
    """
    root = channels[ROOT]
    order = skeleton.root_order
    position = np.stack([root[:, order.index(f't{a}')] for a in 'xyz'], -1)
    rotation = _rotations(root, order, skeleton.degrees)
    orientations = {ROOT: rotation}
    positions = {ROOT: position * skeleton.unit}
    for bone in skeleton.bones:
        orientation = orientations[bone.parent]
        if bone.dof:
            turn = _rotations(channels[bone.name], bone.dof, skeleton.degrees)
            orientation = orientation @ (bone.axis @ turn @ bone.axis.T)
        orientations[bone.name] = orientation
        positions[bone.name] = (
            positions[bone.parent] + orientation @ bone.offset)
    return np.stack([positions[name] for name in skeleton.joints], axis=1)


def read_motion(asf_path: PathLike,
                amc_path: PathLike) -> Tuple[AcclaimSkeleton, np.ndarray]:
    """A skeleton and the joint positions (F, J, 3) of one motion, metres."""
    skeleton = read_asf(asf_path)
    return skeleton, forward_kinematics(skeleton, read_amc(amc_path, skeleton))


def _sections(text: str, path: PathLike) -> Dict[str, List[str]]:
    """Lines of each ``:section``, comments and empty lines left out."""
    sections: Dict[str, List[str]] = {}
    name = ''
    for line in text.splitlines():
        line = line.split('#', 1)[0].strip()
        if line.startswith(':'):
            name = line[1:].strip().partition(' ')[0].lower()
            sections[name] = []
        elif line and name:
            sections[name].append(line)
    needed = {'units', 'root', 'bonedata', 'hierarchy'}
    if needed - set(sections):
        raise ValueError(
            f'{path} cannot be read as an Acclaim skeleton (ASF): it lacks '
            f'the sections {sorted(needed - set(sections))}')
    return sections


def _pairs(lines: List[str]) -> Dict[str, List[str]]:
    """First word of each line to the rest of its words."""
    return {
        words[0].lower(): words[1:]
        for words in (line.split() for line in lines)
    }


def _blocks(lines: List[str]) -> List[Dict[str, List[str]]]:
    """The ``begin`` ... ``end`` blocks of the bones."""
    blocks: List[List[str]] = []
    for line in lines:
        if line == 'begin':
            blocks.append([])
        elif line != 'end':
            blocks[-1].append(line)
    return [_pairs(block) for block in blocks]


def _hierarchy(lines: List[str]) -> Dict[str, str]:
    """Parent of each bone, parents before children."""
    children = _pairs([line for line in lines if line not in ('begin', 'end')])
    parents: Dict[str, str] = {}
    queue = [ROOT]
    while queue:
        parent = queue.pop(0)
        for child in children.get(parent, ()):
            if child in parents:
                raise ValueError(f'bone "{child}" hangs on two parents')
            parents[child] = parent
            queue.append(child)
    return parents


def _bone(block: Dict[str, List[str]], parents: Dict[str, str], unit: float,
          degrees: bool) -> Bone:
    name = block['name'][0]
    direction = np.array(block['direction'], np.float64)
    *angles, order = block['axis']
    dof = tuple(word.lower() for word in block.get('dof', ()))
    if not set(dof) <= {'rx', 'ry', 'rz'} or len(set(dof)) < len(dof):
        raise ValueError(f'bone "{name}" with dof {dof} is not supported, '
                         'expected some of rx, ry, rz')
    if sorted(order.lower()) != ['x', 'y', 'z'] or len(angles) != 3:
        raise ValueError(f'bone "{name}" with axis {block["axis"]} is not '
                         'supported, expected three angles and XYZ in any '
                         'order')
    return Bone(
        name=name,
        parent=parents[name],
        offset=direction.reshape(3) * float(block['length'][0]) * unit,
        axis=_axis_matrix(angles, order, degrees),
        dof=dof)


def _axis_matrix(angles: List[str], order: str, degrees: bool) -> np.ndarray:
    values = np.array([angles], np.float64)
    names = tuple(f'r{letter.lower()}' for letter in order)
    return _rotations(values, names, degrees)[0]


def _rotations(values: np.ndarray, names: Tuple[str, ...],
               degrees: bool) -> np.ndarray:
    """Compose the rotations among channels, the first applied first.

    Args:
        values: Channels (F, C).
        names: Their names; those that are no rotation are passed over.
        degrees: Whether the angles are degrees.

    Returns:
        (F, 3, 3).
    """
    total = np.broadcast_to(np.eye(3), (len(values), 3, 3))
    for column, name in enumerate(names):
        if name[0] != 'r':
            continue
        angle = values[:, column]
        if degrees:
            angle = np.deg2rad(angle)
        cos, sin = np.cos(angle), np.sin(angle)
        first, second = {'x': (1, 2), 'y': (2, 0), 'z': (0, 1)}[name[1]]
        turn = np.tile(np.eye(3), (len(values), 1, 1))
        turn[:, first, first] = turn[:, second, second] = cos
        turn[:, second, first], turn[:, first, second] = sin, -sin
        total = turn @ total
    return total


def _numbers(rows: List[str], name: str, width: int,
             path: PathLike) -> np.ndarray:
    """The channels (F, C) of one bone from its lines, one a frame."""
    pattern = re.compile(rf'\s*{re.escape(name)}\s')
    for frame, row in enumerate(rows):
        if not pattern.match(row) or len(row.split()) != width + 1:
            raise ValueError(
                f'{path}: frame {frame + 1} has the line '
                f'"{row.strip()[:200]}", '
                f'expected "{name}" and {width} numbers; the file is '
                'truncated, irregular or of another skeleton')
    try:
        values = np.array(' '.join(rows).split(), dtype=object)
        values = values.reshape(len(rows), width + 1)[:, 1:].astype(np.float64)
    except ValueError as error:
        raise ValueError(f'{path}: channels of "{name}": {error}') from error
    if not np.isfinite(values).all():
        frame = int(np.flatnonzero(~np.isfinite(values).all(axis=1))[0])
        raise ValueError(
            f'{path}: "{name}" is NaN or infinite in frame {frame + 1}')
    return values
