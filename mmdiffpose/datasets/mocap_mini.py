# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The embedded data set: real motion, virtual cameras, simulated detector."""

from typing import Any, Dict, List, Optional, Sequence

import numpy as np

from mmdiffpose.registry import DATASETS
from .cameras import VIRTUAL_CAMERAS, PinholeCamera, turn_about_vertical
from .mocap_mini_file import SPLITS, MocapClip, load_mocap_mini
from .simulation.detector_noise import (DetectorNoise, mean_pixel_error,
                                        noise_generator)
from .windows.lifting_dataset import LiftingDataset
from .windows.sequence import PoseSequence

MEAN_PIXEL_ERROR = dict(train=7.02, val=7.75, test=7.21)
"""Mean distance in px of the detections from the exact projections, all
joints, with the default noise and ``noise_seed=0``."""


@DATASETS.register_module()
class MocapMiniDataset(LiftingDataset):
    """``mocap-mini``: 2.8 minutes of real motion at 50 fps, in the package.

    Three people climb boxes, crawl up steps, jump and climb on a playground.
    Four fixed virtual cameras see every clip; 2D keypoints are projections
    plus simulated detector noise
    (:mod:`mmdiffpose.datasets.simulation.detector_noise`).
    The noise of a clip and camera depends on their names and ``noise_seed``
    only. Splits (by clip; the test split has a person that no other split
    has, and its clips are for final numbers only):

    ====== ======================================== ======
    split  clips                                    frames
    ====== ======================================== ======
    train  ClimbBoxes 0-2 (S1), PlaygroundClimb 3a    4832
           (S3)
    val    ClimbBoxes 3 (S1), PlaygroundClimb 3b      1430
           (S3)
    test   CrawlUpSteps 0 (S2), PlaygroundJumps 1     2106
           (S3)
    ====== ======================================== ======

    Args:
        seq_len: Frames T of a window.
        split: ``'train'``, ``'val'`` or ``'test'``.
        cameras: Names of the virtual cameras to use. Defaults to all four,
            ``'v0'`` to ``'v3'``.
        headings: Angles in degrees that the clips are turned by about the
            vertical axis; every one adds a copy of the split seen from four
            new directions. For training.
        keypoint_2d_src: ``'detection'`` for simulated detections, ``'gt'``
            for exact projections with scores of one and no mixtures.
        detector: Overrides of the noise's parameters.
        noise_seed: Seed of the noise.
        **kwargs: Arguments of :class:`LiftingDataset`.

    Raises:
        ValueError: If a split, camera or source is unknown.
    """

    def __init__(self,
                 seq_len: int,
                 split: str = 'train',
                 cameras: Optional[Sequence[str]] = None,
                 headings: Sequence[float] = (0., ),
                 keypoint_2d_src: str = 'detection',
                 detector: Optional[Dict[str, Any]] = None,
                 noise_seed: int = 0,
                 **kwargs: Any) -> None:
        if split not in SPLITS:
            raise ValueError(f'split: expected one of {SPLITS}, found '
                             f'{split!r}')
        if keypoint_2d_src not in ('detection', 'gt'):
            raise ValueError("keypoint_2d_src: expected 'detection' or 'gt', "
                             f'found {keypoint_2d_src!r}')
        known = {camera.name: camera for camera in VIRTUAL_CAMERAS}
        chosen = list(known) if cameras is None else list(cameras)
        unknown = sorted(set(chosen) - set(known))
        if unknown or not chosen:
            raise ValueError(f'cameras: expected some of {sorted(known)}, '
                             f'found {chosen}')
        self.split = split
        self.headings = tuple(headings)
        self.keypoint_2d_src = keypoint_2d_src
        self.noise_seed = noise_seed
        self._cameras = [known[name] for name in chosen]
        self._detector = DetectorNoise(**(detector or {}))
        super().__init__(seq_len=seq_len, **kwargs)

    def load_sequences(self) -> List[PoseSequence]:
        """One sequence per clip, heading and camera."""
        clips, _ = load_mocap_mini()
        return [
            self._view(clip, heading, camera) for clip in clips
            if clip.split == self.split for heading in self.headings
            for camera in self._cameras
        ]

    def _view(self, clip: MocapClip, heading: float,
              camera: PinholeCamera) -> PoseSequence:
        joints = camera.world_to_camera(
            turn_about_vertical(clip.positions, heading))
        truth = camera.project(joints)
        name = f'{clip.clip}h{heading:g}' if heading else clip.clip
        keypoints, scores, mixtures = truth, np.ones(truth.shape[:2]), None
        if self.keypoint_2d_src == 'detection':
            keypoints, scores, mixtures = self._detector.detect(
                truth,
                noise_generator(self.noise_seed, clip.subject, name,
                                camera.name))
        return PoseSequence(
            subject=clip.subject,
            action=clip.action,
            camera=camera.name,
            clip=name.replace('.', 'p'),
            keypoints_2d=keypoints.astype(np.float32),
            scores=scores.astype(np.float32),
            mixtures=mixtures,
            keypoints_3d=joints.astype(np.float32),
            camera_param=camera.as_param())

    def mean_pixel_error(self) -> float:
        """Mean distance in px of the 2D keypoints from exact projections."""
        self.full_init()
        cameras = {camera.name: camera for camera in self._cameras}
        errors = [
            mean_pixel_error(
                sequence.keypoints_2d,
                cameras[sequence.camera].project(sequence.keypoints_3d))
            for sequence in self.sequences
        ]
        return float(
            np.average(errors, weights=[len(s) for s in self.sequences]))
