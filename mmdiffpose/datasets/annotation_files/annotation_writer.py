# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Writing annotation files; :mod:`.annotations` describes them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence

import numpy as np

from mmdiffpose.atomic_files import replace_text, replacing
from mmdiffpose.skeletons import H36M_17
from . import annotation_checks as checks
from .annotations import AnnotationPaths
from .camera_files import CameraKey, CameraParam
from .image_names import Track, image_names

BOX_MARGIN = 1.2
"""The person's box is so many times its keypoints' (as in MMPose)."""


@dataclass(frozen=True)
class ClipRecord:
    """One clip seen by one camera, F frames.

    Attributes:
        track: Subject, clip and camera.
        keypoints_2d: Ground truth (F, 17, 2), pixels.
        keypoints_3d: (F, 17, 3), metres, camera axes.
        detections: What a detector saw (F, 17, 3) = x, y in pixels and
            score in [0, 1].
        mixtures: (F, 17, M, 5) = weight, mean u, v and std u, v in pixels.
        valid: What is known in 3D and may be scored: frames (F,), or joints
            (F, 17); all where absent.
        frame_numbers: Numbers of the frames in their video (F,); from 1
            where absent.
    """
    track: Track
    keypoints_2d: np.ndarray
    keypoints_3d: np.ndarray
    detections: Optional[np.ndarray] = None
    mixtures: Optional[np.ndarray] = None
    valid: Optional[np.ndarray] = None
    frame_numbers: Optional[np.ndarray] = None

    def __len__(self) -> int:
        return len(self.keypoints_3d)


def write_split(paths: AnnotationPaths,
                split: str,
                records: Sequence[ClipRecord],
                cameras: Mapping[CameraKey, CameraParam],
                detector: Optional[str] = None,
                source: str = '',
                projection_limit: float = 25.) -> Dict[str, Any]:
    """Check one split and write its files, each atomically.

    Nothing is written unless all checks pass.

    Args:
        paths: Where the files go.
        split: For example ``'train'``.
        records: The clips, in the order of the rows.
        cameras: Cameras by (subject, camera).
        detector: Name of the detections' files; needed where the records
            have detections or mixtures.
        source: The file that the records came from, for messages.
        projection_limit: The largest median distance, in pixels, between a
            clip's 2D keypoints and its projected 3D poses; lens distortion
            makes a few pixels.

    Returns:
        What was written, ready for JSON.

    Raises:
        ValueError: If a record is broken; see :func:`check_record`.
    """
    if not records:
        raise ValueError(f'{source}: no clip for the split "{split}"')
    distances = [
        check_record(record, cameras, source, projection_limit)
        for record in records
    ]
    pose = np.concatenate([record.keypoints_3d for record in records])
    known = np.concatenate([known_joints(record) for record in records])
    checks.check_sides(pose, source, known)
    extras = {}
    for field in ('detections', 'mixtures'):
        arrays = [getattr(record, field) for record in records]
        if any(array is not None for array in arrays):
            if detector is None:
                raise ValueError(f'the {field} need the name of a detector')
            _check_alike(arrays, field)
            extras[getattr(paths, field)(detector, split)] = arrays
    _write_annotation(paths.annotation(split), records)
    for path, arrays in extras.items():
        _write_rows(path, arrays)
    files = [paths.annotation(split), *extras]
    report = summarize(records)
    report['median_projection_distance_px'] = float(np.max(distances))
    report['files'] = [str(file) for file in files]
    return report


def check_record(record: ClipRecord, cameras: Mapping[CameraKey, CameraParam],
                 source: str, projection_limit: float) -> float:
    """Raise where a clip is broken.

    Args:
        record: The clip.
        cameras: Cameras by (subject, camera).
        source: The file that it came from, for messages.
        projection_limit: As in :func:`write_split`.

    Returns:
        Median distance in pixels between 2D keypoints and projected poses.

    Raises:
        ValueError: If its camera is missing, its arrays differ in length or
            hold NaN, or its poses are no people in metres or do not project
            onto their keypoints.
    """
    track, size = record.track, len(record)
    where = f'{source} ({track.stem})' if source else track.stem
    key = (track.subject, track.camera)
    if key not in cameras:
        raise ValueError(
            f'{where}: there is no camera {key}; the cameras are '
            f'{sorted(cameras)[:6]}. Give a camera file that has it')
    joints = H36M_17.num_joints
    expected = dict(
        keypoints_2d=(size, joints, 2),
        keypoints_3d=(size, joints, 3),
        detections=(size, joints, 3))
    for name in ('keypoints_3d', 'keypoints_2d', 'detections', 'mixtures'):
        array = getattr(record, name)
        if array is None:
            continue
        shape = expected.get(name, (size, joints) + array.shape[2:])
        if array.shape != shape:
            raise ValueError(
                f'{where}: {name} has the shape {array.shape}, expected '
                f'{shape}: 2D and 3D must have the same frames')
        checks.check_finite(array, where, name)
    known = known_joints(record)
    checks.check_units(record.keypoints_3d, where, known)
    return checks.check_projection(record.keypoints_3d[known],
                                   record.keypoints_2d[known], cameras[key],
                                   where, projection_limit)


def summarize(records: Sequence[ClipRecord]) -> Dict[str, Any]:
    """Clips, frames and median bone lengths, ready for JSON."""
    subjects: Dict[str, List[ClipRecord]] = {}
    for record in records:
        subjects.setdefault(record.track.subject, []).append(record)
    names = [H36M_17.joints[child] for _, child in H36M_17.bones]
    summary: Dict[str, Any] = dict(
        clips=len({(r.track.subject, r.track.clip)
                   for r in records}),
        cameras=len({r.track.camera
                     for r in records}),
        frames=sum(len(record) for record in records),
        valid_frames=int(
            sum(known_joints(record).any(axis=1).sum() for record in records)),
        subjects={})
    for subject, own in subjects.items():
        lengths = checks.median_bone_lengths(
            np.concatenate([record.keypoints_3d for record in own]),
            np.concatenate([known_joints(record) for record in own]))
        summary['subjects'][subject] = dict(
            clips=len({record.track.clip
                       for record in own}),
            frames=sum(len(record) for record in own),
            bone_lengths_mm={
                name: round(1000 * float(length), 1)
                for name, length in zip(names, lengths) if np.isfinite(length)
            })
    errors = [
        np.linalg.norm(
            record.detections[..., :2] - record.keypoints_2d, axis=-1)
        for record in records if record.detections is not None
    ]
    if errors:
        summary['mean_detection_error_px'] = float(
            np.concatenate(errors).mean())
    return summary


def print_summary(split: str, report: Mapping[str, Any]) -> None:
    """Print frame counts and bone lengths of a split."""
    print(f'{split}: {report["clips"]} clips, {report["cameras"]} cameras, '
          f'{report["frames"]} frames ({report["valid_frames"]} valid)')
    for subject, values in report['subjects'].items():
        lengths = ' '.join(
            f'{name} {length:.0f}'
            for name, length in values['bone_lengths_mm'].items())
        print(f'  {subject}: {values["clips"]} clips, {values["frames"]} '
              f'frames; median bones in mm: {lengths}')
    print('  ground-truth 2D to projected 3D, worst clip median: '
          f'{report["median_projection_distance_px"]:.4f} px')
    if 'mean_detection_error_px' in report:
        print('  mean error of the detections: '
              f'{report["mean_detection_error_px"]:.2f} px')


def write_report(path: Path, report: Mapping[str, Any]) -> None:
    """Write a conversion's report as JSON, atomically."""
    replace_text(path, json.dumps(report, indent=2) + '\n')
    print(f'report: {path}')


def _write_annotation(path: Path, records: Sequence[ClipRecord]) -> None:
    names: List[str] = []
    for record in records:
        numbers = record.frame_numbers
        names.extend(
            image_names(
                record.track,
                range(1,
                      len(record) + 1) if numbers is None else numbers))
    rows = len(names)
    part = np.ones((rows, H36M_17.num_joints, 3), np.float32)
    pose = np.ones((rows, H36M_17.num_joints, 4), np.float32)
    start = 0
    for record in records:
        stop = start + len(record)
        part[start:stop, :, :2] = record.keypoints_2d
        pose[start:stop, :, :3] = record.keypoints_3d
        pose[start:stop, :, 3] = known_joints(record)
        start = stop
    low, high = part[..., :2].min(axis=1), part[..., :2].max(axis=1)
    with replacing(path) as temporary:
        np.savez(
            temporary,
            imgname=np.array(names),
            center=(low + high) / 2,
            scale=BOX_MARGIN * (high - low).max(axis=1) / 200,
            part=part,
            S=pose)


def _check_alike(arrays: Sequence[Optional[np.ndarray]], what: str) -> None:
    """Raise unless all clips have an array, of one shape but for frames."""
    shapes = {array.shape[1:] for array in arrays if array is not None}
    without = sum(array is None for array in arrays)
    if len(shapes) != 1 or without:
        raise ValueError(f'all clips must have {what} of one shape, found '
                         f'{sorted(shapes)}, and {without} clips without')


def _write_rows(path: Path, arrays: Sequence[np.ndarray]) -> None:
    """Write clips' arrays one after the other without joining them first."""
    rows = sum(len(array) for array in arrays)
    with replacing(path) as temporary:
        target = np.lib.format.open_memmap(temporary, 'w+', np.float32,
                                           (rows, ) + arrays[0].shape[1:])
        start = 0
        for array in arrays:
            target[start:start + len(array)] = array
            start += len(array)
        target.flush()
        del target


def known_joints(record: ClipRecord) -> np.ndarray:
    """Whether each joint's 3D position is known, (F, 17) bool."""
    shape = np.shape(record.keypoints_3d)[:2]
    if record.valid is None:
        return np.ones(shape, bool)
    valid = np.asarray(record.valid, bool)
    return np.broadcast_to(valid if valid.ndim > 1 else valid[:, None], shape)
