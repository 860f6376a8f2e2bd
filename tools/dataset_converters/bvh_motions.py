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

import csv
import io
from pathlib import Path
from typing import Mapping, Optional, Sequence, Tuple

import numpy as np
from motion_files import (ROTATIONS, Clip, FileSkeleton, clip_names,
                          find_files, make_parser, read_skeleton,
                          write_checked)
from tqdm import tqdm

from mmdiffpose.datasets.annotation_files import annotation_checks as checks
from mmdiffpose.datasets.mocap.bvh import load_bvh
from mmdiffpose.datasets.mocap.h36m_mapping import (H36M_FROM_BANDAI_NAMCO,
                                                    H36M_FROM_LAFAN1,
                                                    H36M_FROM_XSENS,
                                                    map_joints)
from mmdiffpose.datasets.world_motions import WorldMotions
from mmdiffpose.input_files import read_text, visible

Cuts = Mapping[str, Tuple[int, int]]

PRESETS = {
    'lafan1':
    FileSkeleton(H36M_FROM_LAFAN1, 0.01,
                 r'(?P<action>[A-Za-z]+)\d+_(?P<subject>subject\d+)'),
    '100style':
    FileSkeleton(H36M_FROM_XSENS, 0.01, r'(?P<action>\w+)_[A-Z]{2}\d?$'),
    'bandai-namco':
    FileSkeleton(H36M_FROM_BANDAI_NAMCO, 0.01,
                 r'(?P<subject>dataset-\d)_(?P<action>.+)_\d+$'),
}


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


def read_clip(path: Path, skeleton: FileSkeleton, source: str, cuts: Cuts,
              up: str) -> Clip:
    """One file as :func:`make_motions` wants it."""
    clip = load_bvh(path)
    pose = map_joints(clip.positions, clip.joints, skeleton.joints)
    assert skeleton.metres is not None
    pose = pose * skeleton.metres
    pose = pose @ np.transpose(ROTATIONS[up])
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


def main(argv: Optional[Sequence[str]] = None) -> WorldMotions:
    """Run the converter; returns what it writes."""
    args = make_parser(__doc__, PRESETS, list(ROTATIONS)).parse_args(argv)
    skeleton = read_skeleton(args.skeleton, PRESETS)
    source = args.source or Path(args.skeleton).stem
    paths = find_files(args.data_root, ['.bvh'])
    cuts = read_cuts(args.data_root)
    clips = [
        read_clip(path, skeleton, source, cuts, args.up)
        for path in tqdm(paths, desc=source, unit='clip')
    ]
    return write_checked(clips, args.data_root, args.out)


if __name__ == '__main__':
    main()
