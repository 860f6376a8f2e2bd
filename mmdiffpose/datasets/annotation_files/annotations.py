# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Annotation files: the one exchange format of all converters.

The layout and the arrays are those of MMPose's own Human3.6M converter, so
that MMPose's ``Human36mDataset`` reads them too::

    <data_root>/annotation_body3d/cameras.pkl
    <data_root>/annotation_body3d/fps50/<name>_<split>.npz
    <data_root>/joint_2d_det_files/<detector>_<split>.npy
    <data_root>/joint_2d_det_files/<detector>_<split>_gmm.npy

The npz holds, one row a frame, ``imgname`` (N,), ``center`` (N, 2) and
``scale`` (N,) of the person's box, ``part`` (N, 17, 3) = x, y in pixels and
visibility, ``S`` (N, 17, 4) = x, y, z in metres in camera axes (x right,
y down, z forward) and visibility. The npy files stand row by row beside it:
detections (N, 17, 3) = x, y in pixels and score, mixtures (N, 17, M, 5) =
weight, mean u, v and std u, v in pixels. Joints are Human3.6M-17, or J others:
those of the data set's METAINFO, or of ``joints``, ``links``, ``root``,
``swaps`` and ``fps`` in the npz, as in a recording file
(:mod:`~mmdiffpose.datasets.recordings.recording_file`). A joint with
visibility 0 in ``S`` is not known in 3D, one with 0 in ``part`` or score 0 in
the detections was not seen; what stands in its place, NaN or not, has no
effect. A frame without a visible joint in ``S`` is context: it is never
scored. No file but ``cameras.pkl`` is a pickle.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional, Tuple, Union

import numpy as np

from mmdiffpose.array_files import check_numbers, read_npy, read_npz
from mmdiffpose.skeletons import H36M_17, Skeleton, canonical_joint, map_joints
from . import annotation_checks as checks
from .camera_files import CameraKey, CameraParam
from .image_names import Track, check_frames, find_tracks

PathLike = Union[str, Path]
FPS = 50
"""Frame rate of Human3.6M and of all motion capture."""


@dataclass(frozen=True)
class AnnotationPaths:
    """Where the files of one data set lie.

    Attributes:
        data_root: The data set's folder.
        name: The data set's name, the start of the npz's name.
        fps: Frames a second, where all clips have the same: the npz then
            lies in a folder that is called after it.
    """
    data_root: Path
    name: str
    fps: Optional[int] = FPS

    @property
    def cameras(self) -> Path:
        """The camera file."""
        return self.data_root / 'annotation_body3d' / 'cameras.pkl'

    def annotation(self, split: str) -> Path:
        """The npz of a split."""
        folder = self.data_root / 'annotation_body3d'
        if self.fps is not None:
            folder = folder / f'fps{self.fps}'
        return folder / f'{self.name}_{split}.npz'

    def detections(self, detector: str, split: str) -> Path:
        """The detections of a split."""
        return (self.data_root / 'joint_2d_det_files' /
                f'{detector}_{split}.npy')

    def mixtures(self, detector: str, split: str) -> Path:
        """The mixtures of a split."""
        return (self.data_root / 'joint_2d_det_files' /
                f'{detector}_{split}_gmm.npy')


@dataclass(frozen=True)
class Annotations:
    """The arrays of one annotation file, checked, one row a frame.

    Attributes:
        tracks: Each clip and camera with its rows.
        keypoints_2d: (N, 17, 2) float32, pixels.
        scores: (N, 17) float32 in [0, 1], the third column of ``part``.
        keypoints_3d: (N, 17, 3) float32, metres, camera axes.
        visible: (N, 17) float32, the fourth column of ``S``.
    """
    tracks: List[Tuple[Track, slice]]
    keypoints_2d: np.ndarray
    scores: np.ndarray
    keypoints_3d: np.ndarray
    visible: np.ndarray

    def __len__(self) -> int:
        return len(self.keypoints_3d)


def read_annotations(path: PathLike,
                     skeleton: Skeleton = H36M_17) -> Annotations:
    """Read and check an annotation npz.

    Args:
        path: The npz, written by one of our converters or by MMPose's.
        skeleton: Its joints.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is truncated, lacks an array, or if an array has
            the wrong shape, NaN, poses that are not people in metres, or
            left and right swapped.
    """
    arrays = read_npz(path, ('imgname', 'part', 'S'))
    names, part, pose = arrays['imgname'], arrays['part'], arrays['S']
    check_numbers(path, arrays, ('part', 'S'))
    if names.ndim != 1:
        raise ValueError(f'{path}: expected an image name a row, found an '
                         f'array of shape {names.shape} as imgname')
    num_joints = skeleton.num_joints
    for key, array, channels in (('part', part, 3), ('S', pose, 4)):
        expected = (len(names), num_joints, channels)
        if array.shape != expected:
            raise ValueError(
                f'{path}: {key} has the shape {array.shape}, expected '
                f'{expected}: one row an image name, {num_joints} joints. '
                'Other joints are described by metainfo of the data set, or '
                'by joints, links, root and fps in the file')
    if not len(names):
        raise ValueError(f'{path} holds no frames')
    try:
        tracks = find_tracks(names)
        step = check_frames(names, tracks)
    except ValueError as error:
        raise ValueError(f'{path}: {error}') from error
    _check_rate(step, path)
    del arrays
    # The columns are taken apart so that the halves that a model does not
    # use can go, and so that windows are slices of contiguous memory.
    annotations = Annotations(
        tracks=tracks,
        keypoints_2d=np.ascontiguousarray(part[..., :2], np.float32),
        scores=np.ascontiguousarray(part[..., 2], np.float32),
        keypoints_3d=np.ascontiguousarray(pose[..., :3], np.float32),
        visible=np.ascontiguousarray(pose[..., 3], np.float32))
    checks.check_finite(annotations.scores, str(path), 'part')
    checks.check_finite(annotations.visible, str(path), 'S')
    _check_finite_where(annotations.keypoints_2d, annotations.scores,
                        str(path), 'part')
    _check_finite_where(annotations.keypoints_3d, annotations.visible,
                        str(path), 'S')
    rows = checks.thin_out(len(names))
    known = annotations.visible[rows] > 0
    poses, seen = as_h36m(annotations.keypoints_3d[rows], known, skeleton)
    if skeleton is H36M_17:
        checks.check_units(poses, str(path), seen)
    checks.check_sides(poses, str(path), seen)
    return annotations


def as_h36m(keypoints_3d: np.ndarray, known: np.ndarray,
            skeleton: Skeleton) -> Tuple[np.ndarray, np.ndarray]:
    """Poses as Human3.6M has them, for checks of anatomy.

    Args:
        keypoints_3d: (F, J, 3).
        known: (F, J), bool.
        skeleton: Their joints.

    Returns:
        Poses (F, 17, 3) and which joints are known (F, 17): none of those
        that the skeleton has nothing for.
    """
    if skeleton is H36M_17:
        return keypoints_3d, known
    try:
        named = skeleton.reordered(
            range(skeleton.num_joints),
            [*map(canonical_joint, skeleton.joints)])
        poses, trust = map_joints(keypoints_3d, known.astype(np.float32),
                                  named, H36M_17)
    except ValueError:  # It has no hips.
        return np.zeros((1, 17, 3)), np.zeros((1, 17), bool)
    return poses, trust == 1


def _check_finite_where(points: np.ndarray, weight: np.ndarray, source: str,
                        what: str) -> None:
    """Raise where a point that is said to be known holds NaN or infinity."""
    if np.isfinite(points).all():
        return
    checks.check_finite(
        np.where(weight[..., None] > 0, points, 0), source, what)


def _check_rate(step: int, path: PathLike) -> None:
    """Raise where every n-th frame is taken and the folder says otherwise.

    MMPose's converter puts every fifth frame into ``fps10``.
    """
    folder = Path(path).parent.name
    if step == 1 or folder == f'fps{FPS // step}':
        return
    raise ValueError(
        f'{path}: from row to row it is {step} frames, as of every {step}-th '
        f'frame of a video, expected all of them. Where {FPS} / {step} frames '
        f'a second are meant, the file belongs into a folder "fps{FPS // step}'
        '"')


def read_detections(
        path: PathLike,
        annotations: Annotations,
        ann_file: PathLike,
        skeleton: Skeleton = H36M_17) -> Tuple[np.ndarray, np.ndarray]:
    """Read and check the 2D detections beside an annotation file.

    Args:
        path: The npy, (N, 17, 3).
        annotations: The annotations that its rows belong to.
        ann_file: Their file, for messages.
        skeleton: Their joints.

    Returns:
        Keypoints (N, 17, 2) in pixels and scores (N, 17), float32.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it does not fit the annotations.
    """
    array = np.atleast_1d(read_npy(path))
    checks.check_rows(len(array), len(annotations), str(path), str(ann_file))
    if array.shape[1:] != (skeleton.num_joints, 3):
        raise ValueError(f'{path} has the shape {array.shape}, expected '
                         f'(N, {skeleton.num_joints}, 3) = x, y, score')
    checks.check_finite(array[..., 2], str(path), 'the scores')
    keypoints = np.ascontiguousarray(array[..., :2], np.float32)
    scores = np.clip(array[..., 2].astype(np.float32), 0, 1)
    _check_finite_where(keypoints, scores, str(path), 'the array')
    both = ((scores > 0) & (annotations.scores > 0)).all(axis=1)
    rows = checks.thin_out(len(array))
    checks.check_same_sides(annotations.keypoints_2d[rows][both[rows]],
                            keypoints[rows][both[rows]], str(path),
                            skeleton.flip_indices)
    return keypoints, scores


def read_mixtures(path: PathLike,
                  num_frames: int,
                  ann_file: PathLike,
                  num_joints: int = H36M_17.num_joints) -> np.ndarray:
    """Memory-map the mixtures beside an annotation file.

    They are the largest array by far (2.6 GB for Human3.6M's training set
    at M = 5), so that workers and processes share the pages.

    Args:
        path: The npy, (N, 17, M, 5).
        num_frames: N.
        ann_file: The annotation file, for messages.
        num_joints: J.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it does not fit the annotations.
    """
    array = read_npy(path, mmap=True)
    checks.check_rows(len(array), num_frames, str(path), str(ann_file))
    if (array.ndim != 4 or array.shape[1] != num_joints
            or array.shape[3] != 5):
        raise ValueError(
            f'{path} has the shape {array.shape}, expected '
            f'(N, {num_joints}, M, 5) = weight, mean u, v, std u, v')
    return array


def check_cameras_known(annotations: Annotations, cameras: Dict[CameraKey,
                                                                CameraParam],
                        ann_file: PathLike, camera_file: PathLike) -> None:
    """Raise where an annotated camera is missing from the camera file.

    Raises:
        ValueError: If so; names all missing ones.
    """
    needed = {(track.subject, track.camera) for track, _ in annotations.tracks}
    missing = sorted(needed - set(cameras))
    if missing:
        raise ValueError(
            f'{camera_file} lacks {len(missing)} of the {len(needed)} cameras '
            f'of {ann_file}: {missing[:4]}. Convert both from the same '
            'source, or give the camera file of this data set')
