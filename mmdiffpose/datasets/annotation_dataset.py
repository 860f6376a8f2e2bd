# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Lifting data sets that read annotation files."""

import copy
import re
import zipfile
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

import numpy as np

from mmdiffpose.array_files import npz_names
from mmdiffpose.registry import DATASETS
from mmdiffpose.skeletons import Skeleton
from mmdiffpose.skeletons.metainfo import drawn_skeleton
from .annotation_files.annotations import (Annotations, check_cameras_known,
                                           read_annotations, read_detections,
                                           read_mixtures)
from .annotation_files.camera_files import CameraParam, read_cameras
from .annotation_files.image_names import Track
from .recordings.recording_file import recording_metainfo
from .windows.lifting_dataset import LiftingDataset
from .windows.sequence import PoseSequence

KEYPOINT_SOURCES = ('gt', 'detection')


@DATASETS.register_module()
class AnnotationLiftingDataset(LiftingDataset):
    """A lifting data set over annotation files.

    The files are those of
    :mod:`mmdiffpose.datasets.annotation_files.annotations`, which MMPose's
    ``Human36mDataset`` reads as well. Relative paths start at
    ``data_root``. Joints are the file's, where it names them, else those of
    ``metainfo`` or the class's METAINFO; the frame rate is the file's or that
    of a folder such as ``fps25``.

    Args:
        ann_file: The annotation npz.
        camera_param_file: The ``cameras.pkl``.
        keypoint_2d_src: ``'gt'`` takes the 2D keypoints of the annotation
            file, ``'detection'`` those of ``keypoint_2d_det_file``.
        keypoint_2d_det_file: Detections npy, row by row beside ``ann_file``.
        mixture_file: Mixtures npy, row by row beside ``ann_file``; samples
            then have ``keypoint_mixtures``.
        subjects: Only these subjects, by exact name. Defaults to all.
        actions: Only these actions, by exact name: ``'Sitting'`` is not
            ``'SittingDown'``. Defaults to all.
        cameras: Only these cameras, by exact name. Defaults to all.
        data_root: The data set's folder.
        **kwargs: Arguments of
            :class:`~mmdiffpose.datasets.windows.lifting_dataset.LiftingDataset`.

    Raises:
        FileNotFoundError: If a file is missing; says which command makes it.
        ValueError: If a file is broken, if files do not fit each other, or
            if a filter names something that the file does not hold.
    """

    CONVERTER: str = ''
    """The command that makes the files, for messages."""

    def __init__(self,
                 ann_file: str,
                 camera_param_file: str,
                 keypoint_2d_src: str = 'gt',
                 keypoint_2d_det_file: Optional[str] = None,
                 mixture_file: Optional[str] = None,
                 subjects: Optional[Sequence[str]] = None,
                 actions: Optional[Sequence[str]] = None,
                 cameras: Optional[Sequence[str]] = None,
                 data_root: Optional[str] = None,
                 **kwargs: Any) -> None:
        if keypoint_2d_src not in KEYPOINT_SOURCES:
            raise ValueError(
                f'keypoint_2d_src must be one of {KEYPOINT_SOURCES}, got '
                f'{keypoint_2d_src!r}')
        if keypoint_2d_src == 'detection' and not keypoint_2d_det_file:
            raise ValueError(
                "keypoint_2d_src='detection' needs keypoint_2d_det_file")
        # MMEngine joins these two; here all files are found one way.
        self._folder = Path(data_root or '')
        self._ann_file = ann_file
        self._camera_file = camera_param_file
        self._detection_file = (
            keypoint_2d_det_file if keypoint_2d_src == 'detection' else None)
        self._mixture_file = mixture_file
        self._filters = dict(subject=subjects, action=actions, camera=cameras)
        own = file_metainfo(self._folder / ann_file)
        if own:
            kwargs['metainfo'] = {**own, **(kwargs.get('metainfo') or {})}
        super().__init__(
            ann_file=ann_file, data_root=data_root or '', **kwargs)

    @classmethod
    def metainfo_of(cls, config: Mapping[str, Any]) -> dict:
        """See :meth:`LiftingDataset.metainfo_of`; the file counts."""
        path = Path(config.get('data_root') or '') / config.get('ann_file', '')
        return cls._load_metainfo({
            **file_metainfo(path),
            **copy.deepcopy(dict(config.get('metainfo') or {}))
        })

    def file_skeleton(self) -> Skeleton:
        """The joints of the files, in their order."""
        return drawn_skeleton(self._metainfo)

    def load_sequences(self) -> List[PoseSequence]:
        """Read the files; one sequence a clip and camera.

        The sequences' arrays are slices of the files' arrays, so that each
        array is held once.
        """
        ann_file = self._find(self._ann_file)
        camera_file = self._find(self._camera_file)
        detection_file, mixture_file = (
            self._find(name) if name else None
            for name in (self._detection_file, self._mixture_file))
        skeleton = self.file_skeleton()
        annotations = read_annotations(ann_file, skeleton)
        cameras = read_cameras(camera_file)
        check_cameras_known(annotations, cameras, ann_file, camera_file)
        keypoints, scores = annotations.keypoints_2d, annotations.scores
        if detection_file is not None:
            keypoints, scores = read_detections(detection_file, annotations,
                                                ann_file, skeleton)
        mixtures = None
        if mixture_file is not None:
            mixtures = read_mixtures(mixture_file, len(annotations), ann_file,
                                     skeleton.num_joints)
        sequences: List[PoseSequence] = []
        for track, rows in self._select(annotations):
            visible = annotations.visible[rows]
            sequences.append(
                PoseSequence(
                    subject=track.subject,
                    action=track.action,
                    camera=track.camera,
                    clip=track.clip,
                    keypoints_2d=keypoints[rows],
                    scores=scores[rows],
                    mixtures=None if mixtures is None else mixtures[rows],
                    keypoints_3d=annotations.keypoints_3d[rows],
                    camera_param=as_float32(cameras[track.subject,
                                                    track.camera]),
                    visible=None if visible.all() else visible))
        return sequences

    def _select(self, annotations: Annotations) -> List[Tuple[Track, slice]]:
        """The tracks that pass the filters."""
        tracks = annotations.tracks
        for name, wanted in self._filters.items():
            if wanted is None:
                continue
            if isinstance(wanted, str):
                raise ValueError(
                    f'{name}s must be a list of names, got the string '
                    f'{wanted!r}')
            known = {getattr(track, name) for track, _ in annotations.tracks}
            unknown = sorted(set(wanted) - known)
            if unknown:
                raise ValueError(
                    f'{self._ann_file} has no {name} {unknown}; it has '
                    f'{sorted(known)}')
            tracks = [(track, rows) for track, rows in tracks
                      if getattr(track, name) in wanted]
        if not tracks:
            raise ValueError(f'{self._ann_file}: no clip passes the filters '
                             f'{self._filters}')
        return tracks

    def _find(self, name: str) -> Path:
        path = self._folder / name
        if not path.is_file():
            raise FileNotFoundError(
                f'{path} does not exist. {self.CONVERTER}'.strip())
        return path


def file_metainfo(path: Path) -> Dict[str, Any]:
    """What an annotation file says of its joints and its frame rate.

    Args:
        path: The npz; one that is not there says nothing.

    Returns:
        As MMPose parses METAINFO, with ``fps`` and ``root_joint``; with
        nothing but ``fps`` where the file names no joints.

    Raises:
        ValueError: If it names joints, but no bones, root or frame rate.
    """
    found: Dict[str, Any] = {}
    rate = re.fullmatch(r'fps(\d+)', path.parent.name)
    if rate:
        found['fps'] = float(rate[1])
    if not path.is_file() or not zipfile.is_zipfile(path):
        return found
    described = 'joints' in npz_names(path)
    return {**found, **recording_metainfo(path)} if described else found


def as_float32(camera: CameraParam) -> CameraParam:
    """A camera in the floating-point type of all samples."""
    return {
        key:
        value.astype(np.float32) if isinstance(value, np.ndarray) else value
        for key, value in camera.items()
    }
