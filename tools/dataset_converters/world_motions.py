# Copyright (c) mmdiffpose contributors. All rights reserved.
r"""Motion capture in world coordinates, for cameras that are drawn anew.

The Acclaim files of HDM05 and CMU (see ``hdm05.py`` and ``cmu.py`` for where
to get them) and the motions of DeepMimic (the folder ``data`` of
https://github.com/xbpeng/DeepMimic) become one file that
``mmdiffpose.datasets.MocapViewDataset`` reads::

    python tools/dataset_converters/world_motions.py \
        --hdm05 HDM05 --cmu allasfamc/subjects --deepmimic DeepMimic/data \
        --out data/world_motions/hdm05_cmu_deepmimic.npz

Joints are Human3.6M's 17, frames 120 a second, which are the recordings' own
for HDM05 and CMU, heights as recorded. The licences of the sources hold for
the copy: HDM05 is CC BY-SA 3.0, CMU may not be resold, even converted,
DeepMimic is MIT. ``bvh_motions.py`` writes the same from BVH files.
"""

import argparse
from functools import partial
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Optional, Sequence

import cmu
import hdm05
import numpy as np
from motion_files import Clip, write_and_tell
from open_mocap import MocapFile
from tqdm import tqdm

from mmdiffpose.datasets.annotation_files import annotation_checks as checks
from mmdiffpose.datasets.mocap import deepmimic
from mmdiffpose.datasets.mocap.asf_amc import read_motion
from mmdiffpose.datasets.mocap.h36m_mapping import (H36M_FROM_ACCLAIM,
                                                    map_joints)
from mmdiffpose.datasets.world_motions import WorldMotions, make_motions

FPS = 120.
"""Frames a second at which DeepMimic's motions are read."""


def read_acclaim(file: MocapFile, source: str) -> Clip:
    """One motion of HDM05 or CMU."""
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


def acclaim_clips(source: str, find_files: Callable[[Path], List[MocapFile]],
                  root: Path) -> Iterator[Clip]:
    """All motions of HDM05 or CMU."""
    for file in tqdm(find_files(root), desc=source, unit='clip'):
        yield read_acclaim(file, source)


def deepmimic_clips(root: Path) -> Iterator[Clip]:
    """All motions of DeepMimic's humanoid.

    Raises:
        FileNotFoundError: If there is none, or no humanoid.
    """
    character = deepmimic.read_character(root / 'characters/humanoid3d.txt')
    paths = sorted(root.glob('motions/humanoid3d_*.txt'))
    if not paths:
        raise FileNotFoundError(f'no motions/humanoid3d_*.txt in {root}')
    for path in tqdm(paths, desc='deepmimic', unit='clip'):
        motion = deepmimic.read_motion(path, character, FPS)
        pose = map_joints(
            np.stack(list(motion.values()), axis=1), list(motion),
            deepmimic.H36M_FROM_DEEPMIMIC)
        checks.check_units(pose, str(path))
        clip = path.stem.split('_', 1)[1]
        yield dict(
            positions=pose.astype(np.float32),
            fps=FPS,
            subject='humanoid3d',
            action=clip,
            clip=clip,
            source='deepmimic')


SOURCES: Dict[str, Callable[[Path], Iterator[Clip]]] = dict(
    hdm05=partial(acclaim_clips, 'hdm05', hdm05.find_files),
    cmu=partial(acclaim_clips, 'cmu', cmu.find_files),
    deepmimic=deepmimic_clips)


def parse_args(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in SOURCES:
        parser.add_argument(
            f'--{name}', type=Path, help=f'folder of the files of {name}')
    parser.add_argument('--out', type=Path, required=True, help='.npz')
    args = parser.parse_args(argv)
    if all(getattr(args, name) is None for name in SOURCES):
        parser.error('give at least one of ' + ', '.join(f'--{name}'
                                                         for name in SOURCES))
    return args


def main(argv: Optional[Sequence[str]] = None) -> WorldMotions:
    """Run the converter; returns what it writes."""
    args = parse_args(argv)
    clips: List[Clip] = []
    for source, read_clips in SOURCES.items():
        root = getattr(args, source)
        if root is not None:
            clips += read_clips(root)
    motions = make_motions(clips)
    write_and_tell(motions, args.out)
    return motions


if __name__ == '__main__':
    main()
