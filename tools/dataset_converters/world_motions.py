# Copyright (c) mmdiffpose contributors. All rights reserved.
r"""Motion capture in world coordinates, for cameras that are drawn anew.

The Acclaim files of HDM05 and CMU (see ``hdm05.py`` and ``cmu.py`` for where
to get them) become one file that
``mmdiffpose.datasets.MocapViewDataset`` reads::

    python tools/dataset_converters/world_motions.py \
        --hdm05 HDM05 --cmu allasfamc/subjects \
        --out data/world_motions/hdm05_cmu.npz

Joints are Human3.6M's 17, frames the recordings' own (120 a second), heights
as recorded. The licences of the sources hold for the copy: HDM05 is CC BY-SA
3.0, CMU may not be resold, even converted.
"""

import argparse
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

import cmu
import hdm05
import numpy as np
from open_mocap import MocapFile
from tqdm import tqdm

from mmdiffpose.datasets.annotation_files import annotation_checks as checks
from mmdiffpose.datasets.mocap.asf_amc import read_motion
from mmdiffpose.datasets.mocap.h36m_mapping import (H36M_FROM_ACCLAIM,
                                                    map_joints)
from mmdiffpose.datasets.world_motions import (WorldMotions, make_motions,
                                               write_motions)

FINDERS = dict(hdm05=hdm05.find_files, cmu=cmu.find_files)


def parse_args(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in FINDERS:
        parser.add_argument(
            f'--{name}', type=Path, help=f'folder of the files of {name}')
    parser.add_argument('--out', type=Path, required=True, help='.npz')
    args = parser.parse_args(argv)
    if all(getattr(args, name) is None for name in FINDERS):
        parser.error('give at least one of ' + ', '.join(f'--{name}'
                                                         for name in FINDERS))
    return args


def read_clip(file: MocapFile, source: str) -> Dict[str, Any]:
    """One motion as :func:`make_motions` wants it."""
    skeleton, motion = read_motion(file.skeleton, file.motion)
    pose = map_joints(motion, skeleton.joints, H36M_FROM_ACCLAIM)
    checks.check_units(pose, str(file.motion))
    return dict(
        positions=pose.astype(np.float32),
        fps=file.fps,
        subject=file.subject,
        action=file.clip.rsplit('_', 1)[0],
        clip=file.clip,
        source=source)


def main(argv: Optional[Sequence[str]] = None) -> WorldMotions:
    """Run the converter; returns what it writes."""
    args = parse_args(argv)
    clips: List[Dict[str, Any]] = []
    for source, find_files in FINDERS.items():
        root = getattr(args, source)
        if root is not None:
            clips += [
                read_clip(file, source)
                for file in tqdm(find_files(root), desc=source, unit='clip')
            ]
    motions = make_motions(clips)
    write_motions(args.out, motions)
    lowest = motions.positions[..., 1].min()
    print(f'{args.out}: {len(motions)} clips, {len(motions.positions)} '
          f'frames, lowest joint {lowest:.2f} m')
    return motions


if __name__ == '__main__':
    main()
