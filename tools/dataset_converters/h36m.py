# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Human3.6M for mmdiffpose, from the two forms that people have.

From VideoPose3D's files (data_3d_h36m.npz and data_2d_h36m_*.npz)::

    python tools/dataset_converters/h36m.py videopose3d \
        --poses data_3d_h36m.npz \
        --keypoints data_2d_h36m_gt.npz \
        --detections data_2d_h36m_cpn_ft_h36m_dbb.npz \
        --cameras cameras.pkl --out-dir data/h36m

Camera parameters are not in these files. ``--cameras`` takes MMPose's
``cameras.pkl`` or the ``metadata.xml`` of Human3.6M's own code release.

MMPose's preprocessed files are used as they are; this checks them::

    python tools/dataset_converters/h36m.py check --data-root data/h36m
"""

import argparse
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np

from mmdiffpose.datasets.annotation_files import annotation_checks as checks
from mmdiffpose.datasets.annotation_files.annotation_writer import (
    ClipRecord, print_summary, summarize, write_report, write_split)
from mmdiffpose.datasets.annotation_files.annotations import (
    AnnotationPaths, check_cameras_known, read_annotations, read_detections,
    read_mixtures)
from mmdiffpose.datasets.annotation_files.camera_files import (
    CameraKey, CameraParam, camera_from_world, project_points, read_cameras,
    write_cameras)
from mmdiffpose.datasets.annotation_files.h36m_metadata import (CAMERA_IDS,
                                                                read_metadata)
from mmdiffpose.datasets.annotation_files.image_names import Track
from mmdiffpose.datasets.annotation_files.released_mixtures import (
    SCALES, convert_mixtures)
from mmdiffpose.datasets.human36m import (ACTIONS, JOINTS_32_TO_17,
                                          TEST_SUBJECTS, TRAIN_SUBJECTS,
                                          clip_name)
from mmdiffpose.plain_pickle import load_plain_npz

SPLITS = dict(train=TRAIN_SUBJECTS, test=TEST_SUBJECTS)
CORRUPT = {('S11', 'Directions')}
"""Left out of VideoPose3D's files: its video is corrupt."""

Clips = Dict[str, Dict[str, Any]]


def main(argv: Optional[Sequence[str]] = None) -> Dict[str, Any]:
    """Run the converter; returns the report that it writes."""
    args = parse_args(argv)
    check = args.command == 'check'
    report = (check_preprocessed if check else convert_videopose3d)(args)
    write_report(args.report, report)
    return report


def parse_args(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest='command', required=True)
    convert = commands.add_parser(
        'videopose3d', help='convert the files of VideoPose3D')
    convert.add_argument(
        '--poses', type=Path, required=True, help='data_3d_h36m.npz')
    convert.add_argument(
        '--keypoints',
        type=Path,
        help='ground-truth 2D, data_2d_h36m_gt.npz; the poses are projected '
        'where this is absent')
    convert.add_argument(
        '--detections',
        type=Path,
        help='2D of a detector, data_2d_h36m_cpn_ft_h36m_dbb.npz')
    convert.add_argument(
        '--mixtures', type=Path, help='2D mixtures, data_2d_h36m_*_gmm.npz')
    convert.add_argument(
        '--mixture-scale',
        choices=sorted(SCALES),
        default='pixel_std',
        help='what their last two columns are, see released_mixtures.py')
    convert.add_argument(
        '--cameras',
        type=Path,
        required=True,
        help="MMPose's cameras.pkl or Human3.6M's metadata.xml")
    convert.add_argument('--out-dir', type=Path, default=Path('data/h36m'))
    convert.add_argument(
        '--detector',
        help='name of the detection files; by default from --detections')
    check = commands.add_parser(
        'check', help="check MMPose's preprocessed files")
    check.add_argument('--data-root', type=Path, default=Path('data/h36m'))
    check.add_argument('--detector', default='cpn_ft_h36m_dbb')
    args = parser.parse_args(argv)
    root = args.data_root if args.command == 'check' else args.out_dir
    args.paths = AnnotationPaths(root, 'h36m')
    args.report = root / f'{args.command}_report.json'
    return args


def convert_videopose3d(args: argparse.Namespace) -> Dict[str, Any]:
    """Convert all subjects that the source has, split by split."""
    cameras = read_camera_source(args.cameras)
    poses = load_clips(args.poses, 'positions_3d')
    sources = {
        name: load_clips(path, 'positions_2d')
        for name, path in (('keypoints', args.keypoints), ('detections',
                                                           args.detections),
                           ('mixtures', args.mixtures)) if path is not None
    }
    detector = args.detector or detector_name(args.detections or args.mixtures)
    files = {name: getattr(args, name) for name in ('poses', *sources)}
    notes: List[str] = []
    report: Dict[str, Any] = dict(source=str(args.poses), splits={})
    used = {}
    for split, subjects in SPLITS.items():
        records = []
        for subject in subjects:
            if subject not in poses:
                notes.append(f'{args.poses} has no subject {subject}')
                continue
            print(f'{subject}: {len(poses[subject])} clips')
            records += subject_records(subject, poses, sources, cameras, files,
                                       notes, args.mixture_scale)
        if not records:
            notes.append(f'no clip for the split "{split}", not written')
            continue
        result = write_split(args.paths, split, records, cameras, detector,
                             str(args.poses))
        print_summary(split, result)
        report['splits'][split] = result
        used.update(cameras)
    write_cameras(args.paths.cameras, used)
    report.update(cameras=str(args.paths.cameras), notes=notes)
    for note in notes:
        print(f'note: {note}')
    return report


def subject_records(subject: str, poses: Clips, sources: Dict[str, Clips],
                    cameras: Dict[CameraKey, CameraParam], files: Dict[str,
                                                                       Path],
                    notes: List[str], scale: str) -> List[ClipRecord]:
    """All clips of one subject, each seen by the four cameras."""
    records = []
    clips = {clip_name(name): name for name in poses[subject]}
    note_missing(subject, clips, sources, files, notes)
    for clip in sorted(clips):
        name = clips[clip]
        if clip != name.replace(' ', '_'):
            notes.append(f'{subject} "{name}" is called {clip}')
        world = world_pose(poses[subject][name],
                           f'{files["poses"]}: {subject} "{name}"')
        for index, camera_id in enumerate(CAMERA_IDS):
            track = Track(subject, clip, camera_id)
            if (subject, camera_id) not in cameras:
                raise ValueError(
                    f'the camera file lacks ({subject!r}, {camera_id!r}); '
                    'give the one of the whole data set')
            camera = cameras[subject, camera_id]
            pose = camera_from_world(world, camera)
            arrays = {
                source:
                fit_length(clips_2d, name, subject, index, len(pose),
                           files[source], notes)
                for source, clips_2d in sources.items()
            }
            records.append(
                make_record(track, pose, camera, arrays, scale,
                            files.get('mixtures')))
    return records


def make_record(track: Track, pose: np.ndarray, camera: CameraParam,
                arrays: Dict[str, np.ndarray], scale: str,
                source: Optional[Path]) -> ClipRecord:
    """One clip and camera with all its 2D."""
    keypoints = arrays.get('keypoints')
    if keypoints is None:
        keypoints = project_points(pose, camera)
    detections = arrays.get('detections')
    if detections is not None and detections.shape[-1] == 2:
        # VideoPose3D's files have no scores; MMPose's write ones too.
        detections = np.insert(detections, 2, 1, axis=-1)
    mixtures = arrays.get('mixtures')
    if mixtures is not None:
        mixtures = convert_mixtures(mixtures, keypoints[..., :2],
                                    f'{source} ({track.stem})', scale,
                                    camera['w'])
    return ClipRecord(
        track,
        keypoints[..., :2].astype(np.float32),
        pose.astype(np.float32),
        detections=detections,
        mixtures=mixtures)


def fit_length(source: Clips, name: str, subject: str, camera: int,
               frames: int, path: Path, notes: List[str]) -> np.ndarray:
    """A clip's 2D with as many frames as its 3D.

    The videos run on after the motion capture has stopped, so the 2D may be
    longer; the extra frames at its end go. Shorter 2D is an error.
    """
    try:
        views = source[subject][name]
    except KeyError:
        raise ValueError(
            f'{path} lacks {subject} "{name}", which the 3D file has. Take '
            'both files from the same release') from None
    if len(views) != len(CAMERA_IDS):
        raise ValueError(
            f'{path}: {subject} "{name}" is seen by {len(views)} cameras, '
            f'expected {len(CAMERA_IDS)}: {", ".join(CAMERA_IDS)}')
    array = np.asarray(views[camera], np.float32)
    if len(array) < frames:
        raise ValueError(
            f'{path}: {subject} "{name}" has {len(array)} frames in camera '
            f'{CAMERA_IDS[camera]}, but {frames} in 3D: the frame counts do '
            'not match. Take both files from the same release')
    if len(array) > frames:
        notes.append(f'{path.name}: {subject} "{name}" {CAMERA_IDS[camera]}: '
                     f'{len(array) - frames} frames after the end of the 3D '
                     'left out')
    return array[:frames]


def note_missing(subject: str, clips: Dict[str, str], sources: Dict[str,
                                                                    Clips],
                 files: Dict[str, Path], notes: List[str]) -> None:
    """Say which of the 15 actions' two clips are not there, and which 2D
    has no 3D."""
    for action in ACTIONS:
        found = sum(
            Track(subject, clip, '0').action == action for clip in clips)
        if found == 2:
            continue
        known = (subject, action) in CORRUPT and found == 1
        notes.append(f'{subject} {action}: {found} clips, expected 2' + (
            ' (known: one video is corrupt and left out)' if known else ''))
    for source, content in sources.items():
        extra = set(content.get(subject, ())) - set(clips.values())
        for name in sorted(extra):
            notes.append(f'{files[source].name}: {subject} "{name}" has no '
                         '3D, left out')


def world_pose(pose: np.ndarray, where: str) -> np.ndarray:
    """A clip's 17 joints (F, 17, 3) in the world, metres."""
    pose = np.asarray(pose)
    if pose.ndim != 3 or pose.shape[1] not in (17, 32) or pose.shape[2] != 3:
        raise ValueError(
            f'{where} has the shape {pose.shape}, expected (F, 32, 3)')
    if pose.shape[1] == 32:
        pose = pose[:, list(JOINTS_32_TO_17)]
    checks.check_finite(pose, where, 'the poses')
    checks.check_units(pose, where)
    return pose.astype(np.float64)


def load_clips(path: Path, key: str) -> Clips:
    """Clips by subject and name of one of VideoPose3D's files."""
    content = load_plain_npz(path)
    if not isinstance(content.get(key), dict):
        raise ValueError(
            f'{path}: expected a dict "{key}" by subject and clip, found '
            f'{sorted(content)}')
    return content[key]


def detector_name(path: Optional[Path]) -> Optional[str]:
    """``cpn_ft_h36m_dbb`` of ``data_2d_h36m_cpn_ft_h36m_dbb.npz``."""
    if path is None:
        return None
    return path.stem.removeprefix('data_2d_h36m_').removesuffix('_gmm')


def read_camera_source(path: Path) -> Dict[CameraKey, CameraParam]:
    """Cameras of a cameras.pkl or a metadata.xml."""
    return read_metadata(path) if path.suffix == '.xml' else read_cameras(path)


def check_preprocessed(args: argparse.Namespace) -> Dict[str, Any]:
    """Check MMPose's preprocessed files; a missing split is noted."""
    cameras = read_cameras(args.paths.cameras)
    report: Dict[str, Any] = dict(source=str(args.data_root), splits={})
    for split in SPLITS:
        path = args.paths.annotation(split)
        if not path.is_file():
            print(f'note: {path} does not exist')
            continue
        records, files = preprocessed_records(args, split, cameras)
        result = summarize(records)
        result['files'] = files
        result['median_projection_distance_px'] = max(
            distance(record, cameras, path) for record in records)
        print_summary(split, result)
        report['splits'][split] = result
    if not report['splits']:
        raise FileNotFoundError(
            f'{args.paths.annotation("train")} does not exist, nor does any '
            'other split')
    return report


def preprocessed_records(
    args: argparse.Namespace, split: str,
    cameras: Dict[CameraKey,
                  CameraParam]) -> Tuple[List[ClipRecord], List[str]]:
    """The clips of MMPose's files, with the detections where they exist."""
    path = args.paths.annotation(split)
    annotations = read_annotations(path)
    check_cameras_known(annotations, cameras, path, args.paths.cameras)
    files, detections = [str(path)], None
    file = args.paths.detections(args.detector, split)
    if file.is_file():
        keypoints, scores = read_detections(file, annotations, path)
        detections = np.concatenate([keypoints, scores[..., None]], axis=-1)
        files.append(str(file))
    file = args.paths.mixtures(args.detector, split)
    if file.is_file():
        read_mixtures(file, len(annotations), path)
        files.append(str(file))
    return [
        ClipRecord(
            track,
            annotations.keypoints_2d[rows],
            annotations.keypoints_3d[rows],
            detections=None if detections is None else detections[rows])
        for track, rows in annotations.tracks
    ], files


def distance(record: ClipRecord, cameras: Dict[CameraKey, CameraParam],
             path: Path) -> float:
    """Median distance of projected poses from 2D keypoints, checked."""
    camera = cameras[record.track.subject, record.track.camera]
    return checks.check_projection(record.keypoints_3d, record.keypoints_2d,
                                   camera, f'{path} ({record.track.stem})', 25)


if __name__ == '__main__':
    main()
