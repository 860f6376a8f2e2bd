# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Open motion capture (HDM05, CMU) for lifting."""

from dataclasses import replace
from typing import Any, Dict, List, Mapping, Optional, Sequence

import numpy as np

from mmdiffpose.registry import DATASETS
from .annotation_dataset import AnnotationLiftingDataset
from .cameras import PinholeCamera, turn_about_vertical
from .mocap.virtual_views import build_cameras
from .simulation.detector_noise import DetectorNoise, noise_generator
from .windows.sequence import PoseSequence


@DATASETS.register_module()
class OpenMocapDataset(AnnotationLiftingDataset):
    """Motion capture seen by four virtual cameras with detector-like noise.

    HDM05 (Mueller et al., Universitaet Bonn, CG-2007-2): train on the actors
    bd, bk, dg, test on mm, tr, choose on an actor held out of training. CMU
    (mocap.cs.cmu.edu): additional training data. Both at 50 fps in
    Human3.6M-17 joints; the cameras and the noise are written down in
    ``configs/_base_/datasets/virtual_cameras.py``.

    Args:
        virtual_cameras: The cameras of the benchmark, as in that config.
            Where given, files that were converted with others are refused.
        headings: Angles in degrees that the clips are turned by about the
            vertical axis: 0 is the files' own, every other one adds a copy
            seen from four new directions, its detections drawn with seed 0.
            For training; needs ``virtual_cameras``. Defaults to the files'
            own only.
        detector: Parameters of the turned copies' detections, see
            :class:`~mmdiffpose.datasets.simulation.detector_noise.DetectorNoise`.
        **kwargs: Arguments of :class:`AnnotationLiftingDataset`.

    Raises:
        ValueError: Also if the files' cameras are not ``virtual_cameras``,
            or headings lack them or stand in a test.
    """

    CONVERTER = ('Write it with: python tools/dataset_converters/hdm05.py '
                 '--data-root <folder with HDM_*.asf and HDM_*.amc> '
                 '--out-dir data/hdm05 (or cmu.py, for CMU)')

    def __init__(self,
                 *args: Any,
                 virtual_cameras: Optional[Sequence[Mapping[str, Any]]] = None,
                 headings: Sequence[float] = (0., ),
                 detector: Optional[Dict[str, Any]] = None,
                 **kwargs: Any) -> None:
        self._cameras = {
            camera.name: camera
            for camera in build_cameras(virtual_cameras or ())
        }
        self.headings = tuple(headings)
        self._detector = DetectorNoise(**(detector or {}))
        if self.headings != (0., ):
            if not self._cameras:
                raise ValueError('headings need virtual_cameras, which see '
                                 'the turned clips')
            if kwargs.get('test_mode'):
                raise ValueError(f'headings {self.headings} are for training: '
                                 "a test has the files' own detections")
        super().__init__(*args, **kwargs)

    def load_sequences(self) -> List[PoseSequence]:
        """Read the files and compare their cameras with the config's."""
        sequences = super().load_sequences()
        if self._cameras:
            for sequence in sequences:
                self._check_camera(sequence)
        return [
            self._turned(sequence, heading) if heading else sequence
            for heading in self.headings for sequence in sequences
        ]

    def _turned(self, sequence: PoseSequence, heading: float) -> PoseSequence:
        """The same camera's view of the clip, turned about the vertical."""
        camera: PinholeCamera = self._cameras[sequence.camera]
        world = camera.camera_to_world(sequence.keypoints_3d.astype(float))
        joints = camera.world_to_camera(turn_about_vertical(world, heading))
        clip = f'{sequence.clip}h{heading:g}'.replace('.', 'p')
        keypoints, scores = camera.project(joints), np.ones(joints.shape[:2])
        mixtures = None
        if self._detection_file is not None:
            keypoints, scores, mixtures = self._detector.detect(
                keypoints,
                noise_generator(0, sequence.subject, clip, camera.name))
        if sequence.mixtures is None:
            mixtures = None
        return replace(
            sequence,
            clip=clip,
            keypoints_2d=keypoints.astype(np.float32),
            scores=scores.astype(np.float32),
            mixtures=mixtures,
            keypoints_3d=joints.astype(np.float32))

    def _check_camera(self, sequence: PoseSequence) -> None:
        known = self._cameras.get(sequence.camera)
        if known is None:
            raise ValueError(
                f'{self._camera_file}: camera {sequence.camera} is none of '
                f'virtual_cameras {sorted(self._cameras)}. {self.CONVERTER}')
        expected = known.as_param()
        for key in ('w', 'h', 'f', 'c', 'R', 'T'):
            found = np.ravel(sequence.camera_param[key])
            if not np.allclose(found, np.ravel(expected[key]), atol=1e-4):
                raise ValueError(
                    f'{self._camera_file}: camera {sequence.camera} was '
                    f'converted with {key}={found.tolist()}, virtual_cameras '
                    f'has {np.ravel(expected[key]).tolist()}. '
                    f'{self.CONVERTER}')
