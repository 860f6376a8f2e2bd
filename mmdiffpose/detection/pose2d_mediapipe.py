# Copyright (c) mmdiffpose contributors. All rights reserved.
"""MediaPipe's pose landmarker, as the 2D stage."""

import weakref
from pathlib import Path
from typing import Any, List, Optional, Union

import numpy as np
import torch

from mmdiffpose.input_files import read_bytes
from mmdiffpose.optional_imports import Requirement, import_for
from mmdiffpose.skeletons import get_skeleton
from mmdiffpose.structures.detections import Detections

REQUIREMENT = Requirement('mediapipe', 'mediapipe', 'mediapipe')
VARIANTS = ('lite', 'full', 'heavy')
ADDRESS = ('https://storage.googleapis.com/mediapipe-models/pose_landmarker/'
           'pose_landmarker_{0}/float16/latest/pose_landmarker_{0}.task')
"""Where its authors publish a variant's file (Apache-2.0)."""
FRAME_MS = 33
"""From frame to frame, as far as MediaPipe is told: it only has to increase,
since what is found is smoothed by the lifter, not by it."""


class MediaPipePose2D:
    """Follows people with MediaPipe's pose landmarker, 33 landmarks.

    MediaPipe (Apache-2.0) runs on the CPU. A joint's score is the lesser of
    its visibility and its presence, as in keypoint files of MediaPipe.

    Args:
        weights (str | Path, optional): A ``.task`` file. Defaults to the
            variant's, downloaded once into torch's hub folder.
        variant (str): ``'lite'``, ``'full'`` or ``'heavy'``. Defaults to
            full.
        max_people (int): Not more than so many are found. Defaults to 2.

    Raises:
        FileNotFoundError: If there is no such file.
        ImportError: If MediaPipe is not installed.
        ValueError: If it is no file of a pose landmarker, there is no such
            variant, or the download failed.
    """
    skeleton = get_skeleton('mediapipe')
    finds_people = True

    def __init__(self,
                 weights: Union[str, Path, None] = None,
                 variant: str = 'full',
                 max_people: int = 2) -> None:
        self._mediapipe = import_for('MediaPipe', REQUIREMENT)
        if variant not in VARIANTS:
            raise ValueError(f'MediaPipe: expected a variant of {VARIANTS}, '
                             f'found {variant!r}')
        if max_people < 1:
            raise ValueError('MediaPipe: expected max_people of 1 or more, '
                             f'found {max_people}')
        self.max_people = max_people
        self.path = Path(weights) if weights else _downloaded(variant)
        self._close: Any = None
        self.reset()

    def reset(self) -> None:
        """Forget everybody, for a new clip."""
        if self._close is not None:
            self._close()
        tasks = self._mediapipe.tasks
        vision = tasks.vision
        options = vision.PoseLandmarkerOptions(
            base_options=tasks.BaseOptions(
                model_asset_buffer=read_bytes(self.path,
                                              "MediaPipe's .task file")),
            running_mode=vision.RunningMode.VIDEO,
            num_poses=self.max_people)
        try:
            self._landmarker = vision.PoseLandmarker.create_from_options(
                options)
        except (RuntimeError, ValueError, FileNotFoundError) as error:
            raise ValueError(f'{self.path}: expected a file of a pose '
                             f'landmarker, found another ({error})') from error
        # Before Python itself ends, when MediaPipe no longer can be closed.
        self._close = weakref.finalize(self, self._landmarker.close)
        self._frame = 0

    def __call__(self,
                 image: np.ndarray,
                 boxes: Optional[np.ndarray] = None) -> Detections:
        """People in the next frame, see :class:`~.pose2d.Pose2DModel`."""
        mediapipe = self._mediapipe
        picture = mediapipe.Image(
            image_format=mediapipe.ImageFormat.SRGB,
            data=np.ascontiguousarray(image[..., ::-1]))
        found = self._landmarker.detect_for_video(picture,
                                                  FRAME_MS * self._frame)
        self._frame += 1
        height, width = image.shape[:2]
        rows = np.array([[_row(mark) for mark in person]
                         for person in found.pose_landmarks], np.float32)
        if not len(rows):
            return Detections.nobody(self.skeleton.num_joints)
        return Detections(rows[..., :2] * [width, height], rows[..., 2])


def _row(mark: Any) -> List[float]:
    """A landmark's x and y, shares of the picture, and its score."""
    said = [s for s in (mark.visibility, mark.presence) if s is not None]
    return [mark.x, mark.y, min(said, default=1.)]


def _downloaded(variant: str) -> Path:
    """A variant's file, downloaded where it is not there yet.

    Raises:
        ValueError: If that failed; says what to do.
    """
    address = ADDRESS.format(variant)
    path = Path(torch.hub.get_dir()) / 'checkpoints' / address.split('/')[-1]
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            torch.hub.download_url_to_file(address, str(path))
        except OSError as error:
            raise ValueError(
                f'MediaPipe: {address} could not be downloaded ({error}): '
                'download it elsewhere, and give it as the weights '
                '(--pose2d-weights)') from error
    return path
