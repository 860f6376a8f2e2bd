# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Motion capture as virtual cameras and a simulated detector see it."""

from typing import Any, Dict, List, Mapping, Optional, Sequence

import numpy as np

from mmdiffpose.datasets.annotation_files.annotation_writer import ClipRecord
from mmdiffpose.datasets.annotation_files.camera_files import (CameraKey,
                                                               CameraParam)
from mmdiffpose.datasets.annotation_files.image_names import Track
from mmdiffpose.datasets.cameras import PinholeCamera, look_at
from mmdiffpose.datasets.simulation.detector_noise import (DetectorNoise,
                                                           noise_generator)
from mmdiffpose.datasets.simulation.self_occlusion import SelfOcclusion
from mmdiffpose.skeletons import H36M_17


def build_cameras(
        settings: Sequence[Mapping[str, Any]]) -> List[PinholeCamera]:
    """Cameras from a config.

    Args:
        settings: Dicts with ``name``, ``width``, ``height`` in pixels,
            ``focal`` (fx, fy) and ``center`` (cx, cy) in pixels,
            ``position`` and ``target`` (3,) in a y-up world in metres.

    Raises:
        ValueError: If a setting is missing or unknown, or a name is given
            twice.
    """
    needed = {
        'name', 'width', 'height', 'focal', 'center', 'position', 'target'
    }
    cameras = []
    for setting in settings:
        if set(setting) != needed:
            raise ValueError('a virtual camera needs exactly '
                             f'{sorted(needed)}, found {sorted(setting)}')
        position = np.array(setting['position'], np.float64)
        cameras.append(
            PinholeCamera(
                name=setting['name'],
                width=setting['width'],
                height=setting['height'],
                focal=tuple(setting['focal']),
                center=tuple(setting['center']),
                rotation=look_at(position,
                                 np.array(setting['target'], np.float64)),
                position=position))
    names = [camera.name for camera in cameras]
    if len(set(names)) != len(names):
        raise ValueError(f'virtual cameras must have different names: {names}')
    return cameras


def camera_params(cameras: Sequence[PinholeCamera],
                  subjects: Sequence[str]) -> Dict[CameraKey, CameraParam]:
    """The same cameras for every subject, as a camera file wants them."""
    return {
        (subject, camera.name): camera.as_param()
        for subject in subjects
        for camera in cameras
    }


def center_on_floor(positions: np.ndarray) -> np.ndarray:
    """Move a motion so that its pelvis' track is centred above the origin.

    Capture volumes have their origin anywhere; the virtual cameras look at
    the middle. Heights stay.

    Args:
        positions: Human3.6M-17 joints (F, 17, 3), metres, y up.
    """
    pelvis = positions[:, H36M_17.root]
    middle = (pelvis.min(axis=0) + pelvis.max(axis=0)) / 2
    middle[1] = 0
    return positions - middle


def make_views(positions: np.ndarray,
               subject: str,
               clip: str,
               cameras: Sequence[PinholeCamera],
               noise: DetectorNoise,
               seed: int,
               occlusion: Optional[SelfOcclusion] = None) -> List[ClipRecord]:
    """What the cameras see and a detector makes of it.

    Args:
        positions: Human3.6M-17 joints (F, 17, 3), metres, y up, consecutive
            frames.
        subject: The subject's name.
        clip: The clip's name.
        cameras: The cameras.
        noise: The detector.
        seed: Of the detector's noise. The noise of a view depends on it and
            on the names of subject, clip and camera, on no order.
        occlusion: What being hidden by the person's own body does to a
            detection; nothing by default.

    Returns:
        One record a camera, with detections and mixtures.
    """
    records = []
    for camera in cameras:
        pose = camera.world_to_camera(positions.astype(np.float64))
        try:
            keypoints = camera.project(pose)
        except ValueError as error:
            raise ValueError(
                f'{subject} {clip}, camera {camera.name}: {error}') from error
        seen = noise.detect(keypoints,
                            noise_generator(seed, subject, clip, camera.name))
        if occlusion is not None:
            seen = occlusion.apply(seen, keypoints, pose)
        records.append(
            ClipRecord(
                Track(subject, clip, camera.name),
                keypoints.astype(np.float32),
                pose.astype(np.float32),
                detections=np.concatenate(
                    [seen.keypoints, seen.scores[..., None]], axis=-1),
                mixtures=seen.mixtures))
    return records
