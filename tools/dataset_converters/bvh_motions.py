# Copyright (c) mmdiffpose contributors. All rights reserved.
r"""Motion capture in BVH files, in world coordinates, for drawn cameras.

Writes what ``world_motions.py`` writes and ``MocapViewDataset`` reads. The
joints of three data sets are known by name::

    python tools/dataset_converters/bvh_motions.py --skeleton 100style \
        --data-root 100STYLE --out data/world_motions/100style.npz

- ``lafan1``: LAFAN1, ``ubisoft-laforge-animation-dataset`` of
  https://github.com/ubisoft (CC BY-NC-ND 4.0),
  ``<theme><take>_subject<n>.bvh``.
- ``100style``: 100STYLE, https://www.ianxmason.com/100style (CC BY 4.0),
  ``<style>_<kind>.bvh``; where ``Frame_Cuts.csv`` lies among the files, the
  T-poses at their ends are cut away as it says.
- ``bandai-namco``: Bandai-Namco-Research-Motiondataset 1 and 2,
  https://github.com/BandaiNamcoResearchInc (CC BY-NC-ND 4.0),
  ``dataset-<n>_<content>_<style>_<number>.bvh``. Who moves is not told.

The licences hold for the copy; NoDerivatives forbids to share it. For any
other skeleton ``--skeleton`` takes a JSON file::

    {"metres_per_unit": 0.01,
     "file_name": "(?P<subject>[a-z]+)_(?P<action>[a-z]+)",
     "joints": {"root": ["LeftUpLeg", "RightUpLeg"], "left_knee": "LeftLeg",
                ...}}

``joints`` has Human3.6M's 17, each with the joint of the file, or those whose
mean it is; an end site is called ``<joint>_end``. ``file_name`` is a regular
expression for the beginning of a file's name; without it the subject is the
file's folder and the action its name.
"""

import argparse
import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

import numpy as np
from tqdm import tqdm

from mmdiffpose.datasets.annotation_files import annotation_checks as checks
from mmdiffpose.datasets.mocap.bvh import load_bvh
from mmdiffpose.datasets.mocap.h36m_mapping import (H36M_FROM_BANDAI_NAMCO,
                                                    H36M_FROM_LAFAN1,
                                                    H36M_FROM_XSENS,
                                                    JointMapping, map_joints)
from mmdiffpose.datasets.world_motions import (WorldMotions, make_motions,
                                               write_motions)
from mmdiffpose.input_files import check_file, read_json, read_text, visible
from mmdiffpose.skeletons import H36M_17

Cuts = Mapping[str, Tuple[int, int]]
_KEYS = {'metres_per_unit', 'joints', 'file_name'}


@dataclass(frozen=True)
class BvhSkeleton:
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


PRESETS = {
    'lafan1':
    BvhSkeleton(H36M_FROM_LAFAN1, 0.01,
                r'(?P<action>[A-Za-z]+)\d+_(?P<subject>subject\d+)'),
    '100style':
    BvhSkeleton(H36M_FROM_XSENS, 0.01, r'(?P<action>\w+)_[A-Z]{2}\d?$'),
    'bandai-namco':
    BvhSkeleton(H36M_FROM_BANDAI_NAMCO, 0.01,
                r'(?P<subject>dataset-\d)_(?P<action>.+)_\d+$'),
}


def read_skeleton(name: str,
                  presets: Mapping[str,
                                   BvhSkeleton] = MappingProxyType(PRESETS),
                  unit_needed: bool = True) -> BvhSkeleton:
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
    return BvhSkeleton(joints, metres, pattern)


def read_cuts(root: Path) -> Cuts:
    """First and last frame of each file of 100STYLE, by its stem.

    A row of ``Frame_Cuts.csv`` is a style, with ``<kind>_START`` and
    ``<kind>_STOP`` for each kind of motion that there is.

    Raises:
        ValueError: If a file of this name has another content.
    """
    cuts = {}
    for path in visible(root.rglob('Frame_Cuts.csv')):
        table = csv.DictReader(
            io.StringIO(read_text(path, 'a table of frames'), newline=''))
        try:
            rows = list(table)
        except csv.Error as error:
            raise ValueError(
                f'{path} cannot be read as a table: {error}') from error
        if 'STYLE_NAME' not in (table.fieldnames or []):
            raise ValueError(f'{path}: expected a column STYLE_NAME, found '
                             f'{str(table.fieldnames)[:200]}')
        for row in rows:
            for key, value in row.items():
                if not isinstance(key, str):
                    raise ValueError(f'{path}: expected as many columns as '
                                     'its head has, found more')
                stop = row.get(f'{key[:-6]}_STOP', '') or ''
                if (key.endswith('_START') and (value or '').isdigit()
                        and stop.isdigit()):
                    stem = f'{row["STYLE_NAME"]}_{key[:-6]}'
                    cuts[stem] = int(value), int(stop)
    return cuts


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


def read_clip(path: Path, skeleton: BvhSkeleton, source: str, cuts: Cuts,
              up: str) -> Dict[str, Any]:
    """One file as :func:`make_motions` wants it."""
    clip = load_bvh(path)
    pose = map_joints(clip.positions, clip.joints, skeleton.joints)
    assert skeleton.metres is not None
    pose = pose * skeleton.metres
    if up == 'z':
        pose = pose[..., [0, 2, 1]] * [1, 1, -1]
    if path.stem in cuts:
        first, last = cuts[path.stem]
        pose = pose[first:last + 1]
    if len(pose) < 2:
        raise ValueError(f'{path} has {len(pose)} frames, two are needed')
    checks.check_units(pose, str(path))
    fps = 1 / clip.frame_time
    # Files give the time of a frame with few digits: 0.0333333, 0.008333.
    if abs(fps - round(fps)) < 1e-3 * fps:
        fps = round(fps)
    subject, action = clip_names(path, skeleton.file_name)
    return dict(
        positions=pose.astype(np.float32),
        fps=fps,
        subject=subject,
        action=action,
        clip=path.stem,
        source=source)


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


def main(argv: Optional[Sequence[str]] = None) -> WorldMotions:
    """Run the converter; returns what it writes."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        '--data-root',
        type=Path,
        required=True,
        help='folder of the BVH files, subfolders included')
    parser.add_argument(
        '--skeleton',
        required=True,
        help=', '.join(PRESETS) + ', or a JSON file')
    parser.add_argument(
        '--source', help='name of the data set; the skeleton\'s by default')
    parser.add_argument(
        '--up', choices=('y', 'z'), default='y', help='of the files')
    parser.add_argument('--out', type=Path, required=True, help='.npz')
    args = parser.parse_args(argv)
    skeleton = read_skeleton(args.skeleton)
    source = args.source or Path(args.skeleton).stem
    paths = visible(args.data_root.rglob('*.bvh'))
    if not paths:
        raise FileNotFoundError(f'no *.bvh below {args.data_root}')
    cuts = read_cuts(args.data_root)
    clips: List[Dict[str, Any]] = [
        read_clip(path, skeleton, source, cuts, args.up)
        for path in tqdm(paths, desc=source, unit='clip')
    ]
    motions = make_motions(clips)
    check_up(motions.positions, str(args.data_root))
    checks.check_sides(motions.positions, str(args.data_root))
    write_motions(args.out, motions)
    lowest = motions.positions[..., 1].min()
    print(f'{args.out}: {len(motions)} clips, {len(motions.positions)} '
          f'frames, lowest joint {lowest:.2f} m')
    return motions


if __name__ == '__main__':
    main()
