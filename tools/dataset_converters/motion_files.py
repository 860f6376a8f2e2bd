# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What the converters of motions for drawn cameras share (bvh_motions.py,
point_motions.py, world_motions.py)."""

import argparse
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

import numpy as np

from mmdiffpose.datasets.annotation_files import annotation_checks as checks
from mmdiffpose.datasets.mocap.h36m_mapping import JointMapping
from mmdiffpose.datasets.world_motions import (WorldMotions, make_motions,
                                               write_motions)
from mmdiffpose.input_files import check_file, read_json, visible
from mmdiffpose.skeletons import H36M_17

Clip = Dict[str, Any]
"""Of :func:`make_motions`."""
ROTATIONS = {
    'x': ((0, -1, 0), (1, 0, 0), (0, 0, 1)),
    'y': ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    'z': ((1, 0, 0), (0, 0, 1), (0, -1, 0)),
    '-x': ((0, 1, 0), (-1, 0, 0), (0, 0, 1)),
    '-y': ((1, 0, 0), (0, -1, 0), (0, 0, -1)),
    '-z': ((1, 0, 0), (0, 0, -1), (0, 1, 0)),
}
"""Rows are the axes of the result, y up, in those of the file."""
_KEYS = {'metres_per_unit', 'joints', 'file_name'}


@dataclass(frozen=True)
class FileSkeleton:
    """How the files of a data set are read.

    Attributes:
        joints: Human3.6M joint to the file's joints whose mean it is.
        metres: Metres a unit of length; None where the files say it.
        file_name: Pattern of a file's name, with the groups ``action`` and
            ``subject``, or one of them.
    """
    joints: JointMapping
    metres: Optional[float]
    file_name: str = ''


def make_parser(description: Optional[str], presets: Mapping[str,
                                                             FileSkeleton],
                axes: Sequence[str]) -> argparse.ArgumentParser:
    """Command line of a converter that knows joints by name.

    Args:
        description: Of the tool.
        presets: Skeletons by name.
        axes: What ``--up`` may be.
    """
    parser = argparse.ArgumentParser(
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        '--data-root',
        type=Path,
        required=True,
        help='folder of the files, subfolders included')
    parser.add_argument(
        '--skeleton',
        required=True,
        help=', '.join(presets) + ', or a JSON file')
    parser.add_argument(
        '--source', help='name of the data set; the skeleton\'s by default')
    parser.add_argument(
        '--up',
        choices=axes,
        default='y',
        help='what points up in the files (default: y)')
    parser.add_argument('--out', type=Path, required=True, help='.npz')
    return parser


def find_files(root: Path, suffixes: Sequence[str]) -> List[Path]:
    """Files below a folder, by suffix and name.

    Raises:
        FileNotFoundError: If there is none.
    """
    paths = [
        path for suffix in suffixes
        for path in visible(root.rglob(f'*{suffix}'))
    ]
    if not paths:
        raise FileNotFoundError(f'no {", ".join(suffixes)} below {root}')
    return paths


def read_skeleton(name: str,
                  presets: Mapping[str, FileSkeleton],
                  unit_needed: bool = True) -> FileSkeleton:
    """A preset, or the content of a JSON file.

    Args:
        name: Of the preset, or of the file.
        presets: What there is.
        unit_needed: Whether a file has to have ``metres_per_unit``.

    Raises:
        FileNotFoundError: If it is neither.
        ValueError: If the file's content is not as the module describes it.
    """
    if name in presets:
        return presets[name]
    path = check_file(name, f'one of {sorted(presets)} or a JSON file')
    content = read_json(path, 'a skeleton')
    try:
        if not isinstance(content, dict):
            raise ValueError('expected an object')
        unknown = set(content) - _KEYS
        if unknown:
            raise ValueError(f'unknown keys {sorted(unknown)}')
        metres = None
        if unit_needed or 'metres_per_unit' in content:
            metres = float(content['metres_per_unit'])
            if not metres > 0:
                raise ValueError(f'metres_per_unit is {metres}')
        joints = {
            joint: (found, ) if isinstance(found, str) else tuple(found)
            for joint, found in content['joints'].items()
        }
        if set(joints) != set(H36M_17.joints):
            raise ValueError(
                'joints must be those of Human3.6M; missing are '
                f'{sorted(set(H36M_17.joints) - set(joints))}, unknown '
                f'{sorted(set(joints) - set(H36M_17.joints))}')
        pattern = content.get('file_name', '')
        re.compile(pattern)
    except (KeyError, TypeError, AttributeError, ValueError,
            re.error) as error:
        raise ValueError(f'{path} is no skeleton: {type(error).__name__}: '
                         f'{error}') from error
    return FileSkeleton(joints, metres, pattern)


def clip_names(path: Path, pattern: str) -> Tuple[str, str]:
    """Who moves in a file, and what they do.

    Raises:
        ValueError: If its name is not as the pattern says.
    """
    match = re.match(pattern, path.stem)
    if match is None:
        raise ValueError(f'{path.name} does not begin with {pattern}; whose '
                         'motion it is cannot be told')
    groups = match.groupdict()
    return (groups.get('subject',
                       path.parent.name), groups.get('action', path.stem))


def check_up(positions: np.ndarray, source: str) -> None:
    """Raise unless heads are above feet along y, in the mean.

    Args:
        positions: (F, 17, 3).
        source: For the message.
    """
    index = H36M_17.index
    feet = positions[:, [index['left_foot'], index['right_foot']]].mean(axis=1)
    rise = (positions[:, index['head']] - feet).mean(axis=0)
    axis = int(np.abs(rise).argmax())
    if axis != 1 or rise[axis] < 0:
        sign = '-' if rise[axis] < 0 else ''
        raise ValueError(
            f'{source}: from feet to head it is {rise.round(2).tolist()} m in '
            f'the mean, so that up is {sign}{"xyz"[axis]}, expected y; see '
            '--up')


def write_checked(clips: Sequence[Clip], root: Path,
                  out: Path) -> WorldMotions:
    """Write clips where y is up and left is left; say what they are.

    Args:
        clips: In metres, y up.
        root: Where they are from.
        out: File to write.
    """
    motions = make_motions(clips)
    check_up(motions.positions, str(root))
    checks.check_sides(motions.positions, str(root))
    write_and_tell(motions, out)
    return motions


def write_and_tell(motions: WorldMotions, out: Path) -> None:
    """Write motions; say how many and how high they are."""
    write_motions(out, motions)
    lowest = motions.positions[..., 1].min()
    print(f'{out}: {len(motions)} clips, {len(motions.positions)} frames, '
          f'lowest joint {lowest:.2f} m')
