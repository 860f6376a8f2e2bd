# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What the converters of open motion capture share (hdm05.py, cmu.py)."""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

import numpy as np
from mmengine.config import Config
from tqdm import tqdm

from mmdiffpose.datasets.annotation_files import annotation_checks as checks
from mmdiffpose.datasets.annotation_files.annotation_writer import (
    print_summary, write_report, write_split)
from mmdiffpose.datasets.annotation_files.annotations import (FPS,
                                                              AnnotationPaths)
from mmdiffpose.datasets.annotation_files.camera_files import write_cameras
from mmdiffpose.datasets.mocap.asf_amc import read_motion
from mmdiffpose.datasets.mocap.h36m_mapping import (H36M_FROM_ACCLAIM,
                                                    map_joints)
from mmdiffpose.datasets.mocap.resample import resample
from mmdiffpose.datasets.mocap.virtual_views import (build_cameras,
                                                     camera_params,
                                                     center_on_floor,
                                                     make_views)
from mmdiffpose.datasets.simulation.detector_noise import DetectorNoise
from mmdiffpose.datasets.simulation.self_occlusion import SelfOcclusion


@dataclass(frozen=True)
class MocapFile:
    """One motion of a data set in Acclaim format.

    Attributes:
        subject: The person.
        clip: The clip, ``<action>_<take>``.
        skeleton: Its ASF file.
        motion: Its AMC file.
        fps: Its frames a second.
    """
    subject: str
    clip: str
    skeleton: Path
    motion: Path
    fps: float


def make_parser(description: Optional[str],
                name: str) -> argparse.ArgumentParser:
    """Command line of a converter."""
    parser = argparse.ArgumentParser(
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        '--data-root', type=Path, required=True, help='the downloaded files')
    parser.add_argument('--out-dir', type=Path, default=Path(f'data/{name}'))
    parser.add_argument(
        '--config',
        type=Path,
        default=Path(__file__).parents[2] / 'configs/_base_/datasets' /
        f'{name}.py',
        help='has virtual_cameras, detector_noise, detector_seed, '
        'self_occlusion and splits')
    return parser


def convert(args: argparse.Namespace,
            name: str,
            files: Sequence[MocapFile],
            notes: Optional[Sequence[str]] = None) -> Dict[str, Any]:
    """Convert motions to annotation files.

    Args:
        args: Of :func:`make_parser`.
        name: The data set's name.
        files: Its motions.
        notes: What the report should say besides.

    Returns:
        The report, which is also written.
    """
    config = Config.fromfile(args.config)
    cameras = build_cameras(config.virtual_cameras)
    noise = DetectorNoise(**config.detector_noise)
    occlusion = None
    if config.self_occlusion is not None:
        occlusion = SelfOcclusion(**config.self_occlusion)
    splits: Mapping[str, Optional[Sequence[str]]] = config.splits
    paths = AnnotationPaths(args.out_dir, name)
    report: Dict[str, Any] = dict(
        source=str(args.data_root),
        config=str(args.config),
        fps=FPS,
        splits={},
        notes=[*(notes or ()), *missing_subjects(files, splits)])
    for split, subjects in splits.items():
        chosen = [
            file for file in files
            if subjects is None or file.subject in subjects
        ]
        if not chosen:
            continue
        records, source_frames = [], 0
        for file in tqdm(chosen, desc=split, unit='clip'):
            pose, frames = read_pose(file)
            views = make_views(pose, file.subject, file.clip, cameras, noise,
                               config.detector_seed, occlusion)
            records += views
            source_frames += frames
        result = write_split(
            paths,
            split,
            records,
            camera_params(cameras, [file.subject for file in chosen]),
            detector='virtual',
            source=str(args.data_root),
            projection_limit=0.01)
        result['source_frames'] = source_frames
        print_summary(split, result)
        report['splits'][split] = result
    write_cameras(
        paths.cameras,
        camera_params(cameras, sorted({file.subject
                                       for file in files})))
    report['cameras'] = str(paths.cameras)
    for note in report['notes']:
        print(f'note: {note}')
    write_report(args.out_dir / 'conversion_report.json', report)
    return report


def read_pose(file: MocapFile) -> Tuple[np.ndarray, int]:
    """A motion in the middle of the virtual cameras.

    Returns:
        Human3.6M-17 joints (F, 17, 3) at 50 fps, metres, y up, and the
        number of frames at the file's own rate.
    """
    skeleton, motion = read_motion(file.skeleton, file.motion)
    pose = map_joints(motion, skeleton.joints, H36M_FROM_ACCLAIM)
    checks.check_units(pose, str(file.motion))
    # Acclaim is right-handed with y up, as the cameras' world is.
    return center_on_floor(resample(pose, file.fps, FPS)), len(motion)


def missing_subjects(
        files: Sequence[MocapFile],
        splits: Mapping[str, Optional[Sequence[str]]]) -> List[str]:
    """Notes on subjects of the protocol that the files lack."""
    found = {file.subject for file in files}
    return [
        f'{split}: no files of {subject}'
        for split, subjects in splits.items() for subject in subjects or ()
        if subject not in found
    ]
