# Copyright (c) mmdiffpose contributors. All rights reserved.
r"""MPI-INF-3DHP for mmdiffpose, from the official files or from npz pairs.

Official (https://vcai.mpi-inf.mpg.de/3dhp-dataset)::

    python tools/dataset_converters/mpi_inf_3dhp.py official \
        --data-root mpi_inf_3dhp --target annot3 --out-dir data/mpi_inf_3dhp

The npz pairs that P-STMO (``univ_annot3``) and D3DP (``annot3``) distribute::

    python tools/dataset_converters/mpi_inf_3dhp.py npz \
        --train data_train_3dhp.npz --test data_test_3dhp.npz \
        --target univ_annot3 --out-dir data/mpi_inf_3dhp

``annot3`` are poses of the person's own size, ``univ_annot3`` of a universal
skeleton. Errors on the two are not comparable; the target is part of the
files' names, and train and test always have the same one.
"""

import argparse
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence

import numpy as np
from mpi_inf_3dhp_sources import (TARGETS, View, estimate_camera, npz_test,
                                  npz_train, official_test, official_train)
from tqdm import tqdm

from mmdiffpose.datasets.annotation_files.annotation_writer import (
    ClipRecord, print_summary, write_report, write_split)
from mmdiffpose.datasets.annotation_files.annotations import AnnotationPaths
from mmdiffpose.datasets.annotation_files.camera_files import (CameraKey,
                                                               CameraParam,
                                                               write_cameras)
from mmdiffpose.datasets.annotation_files.image_names import Track
from mmdiffpose.datasets.mpi_inf_3dhp import TO_H36M


def main(argv: Optional[Sequence[str]] = None) -> Dict[str, Any]:
    """Run the converter; returns the report that it writes."""
    args = parse_args(argv)
    if args.command == 'official':
        sources = dict(
            train=official_train(args.data_root, args.target),
            test=official_test(args.data_root, args.target))
    else:
        check_target(args.train, args.test, args.target)
        sources = dict(train=npz_train(args.train), test=npz_test(args.test))
    report: Dict[str, Any] = dict(
        target=args.target, joint_order='h36m', splits={}, notes=[])
    # Its videos have 25 or 50 frames a second.
    paths = AnnotationPaths(args.out_dir, 'mpi_inf_3dhp', fps=None)
    all_cameras: Dict[CameraKey, CameraParam] = {}
    for split, views in sources.items():
        cameras: Dict[CameraKey, CameraParam] = {}
        records = convert(views, split, cameras, report['notes'])
        result = write_split(
            paths,
            f'{split}_{args.target}',
            records,
            cameras,
            source=f'{args.target} of {split}',
            projection_limit=args.projection_limit)
        print_summary(split, result)
        report['splits'][split] = result
        all_cameras.update(cameras)
    write_cameras(paths.cameras, all_cameras)
    report['cameras'] = str(paths.cameras)
    for note in report['notes']:
        print(f'note: {note}')
    write_report(args.out_dir / f'conversion_report_{args.target}.json',
                 report)
    return report


def parse_args(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest='command', required=True)
    official = commands.add_parser('official', help='annot.mat files')
    official.add_argument('--data-root', type=Path, required=True)
    npz = commands.add_parser('npz', help='npz pairs of P-STMO or D3DP')
    npz.add_argument('--train', type=Path, required=True)
    npz.add_argument('--test', type=Path, required=True)
    for command in (official, npz):
        command.add_argument(
            '--target',
            choices=TARGETS,
            required=True,
            help='which 3D poses the files hold')
        command.add_argument(
            '--out-dir', type=Path, default=Path('data/mpi_inf_3dhp'))
        command.add_argument(
            '--projection-limit',
            type=float,
            default=25.,
            help='largest median distance in pixels between 2D and projected '
            '3D that a view may have')
    return parser.parse_args(argv)


def check_target(train: Path, test: Path, target: str) -> None:
    """Refuse what the files' names say is the other target.

    Raises:
        ValueError: If so.
    """
    named = {path.stem.endswith('_ori') for path in (train, test)}
    if len(named) == 2:
        raise ValueError(
            f'{train} and {test}: one is named like annot3 (_ori), the other '
            'like univ_annot3. Take both from one release')
    if named == {True} and target != 'annot3':
        raise ValueError(
            f'{train} is named like annot3 (_ori), but --target is {target}')


def convert(views: Iterator[View], split: str, cameras: Dict[CameraKey,
                                                             CameraParam],
            notes: List[str]) -> List[ClipRecord]:
    """Records of views, in Human3.6M's joint order; adds their cameras."""
    records = []
    for view in tqdm(views, desc=split, unit='view'):
        if len(view.keypoints_2d) != len(view.keypoints_3d):
            raise ValueError(
                f'{view.source}: {view.subject} {view.clip} {view.camera} has '
                f'{len(view.keypoints_2d)} frames in 2D, but '
                f'{len(view.keypoints_3d)} in 3D: the frame counts do not '
                'match. Get the file again')
        key = (view.subject, view.camera)
        cameras[key] = view.param or estimate_camera([view])
        if view.param is None:
            notes.append(f'{view.source.name}: {view.subject} {view.camera}: '
                         'intrinsics estimated from 2D and 3D')
        pose = usable_everywhere(view, notes)
        order = list(TO_H36M)
        records.append(
            ClipRecord(
                Track(view.subject, view.clip, view.camera),
                view.keypoints_2d[:, order].astype(np.float32),
                pose[:, order].astype(np.float32),
                valid=view.valid))
    return records


def usable_everywhere(view: View, notes: List[str]) -> np.ndarray:
    """A view's poses, with a stand-in where an unscored frame has none.

    Frames without a valid annotation are context, they are never scored. Some
    hold zeros; they get the pose of the nearest frame that has one.
    """
    pose = view.keypoints_3d
    if view.valid is None:
        return pose
    usable = np.isfinite(pose).all(axis=(1, 2)) & (pose[..., 2] > 0).all(1)
    broken = np.flatnonzero(~usable & ~view.valid)
    if not len(broken) or not usable.any():
        return pose
    notes.append(f'{view.source.name}: {view.subject}: {len(broken)} frames '
                 'that are not valid have no pose; they stay as context')
    good = np.flatnonzero(usable)
    nearest = good[np.abs(broken[:, None] - good).argmin(axis=1)]
    pose = pose.copy()
    pose[broken] = pose[nearest]
    return pose


if __name__ == '__main__':
    main()
