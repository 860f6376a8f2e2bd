# Copyright (c) mmdiffpose contributors. All rights reserved.
"""One clip seen by one camera."""

from dataclasses import dataclass
from typing import Any, Dict, Optional

import numpy as np

MAX_BODY_EXTENT = 5.
"""Metres that no two joints of a person are ever apart."""


@dataclass
class PoseSequence:
    """Arrays of one clip and camera.

    Attributes:
        subject: Person, e.g. ``'S9'``.
        action: Action, e.g. ``'SittingDown'``.
        camera: Camera name.
        clip: Action and take, e.g. ``'SittingDown_1'``.
        keypoints_2d: (F, J, 2) 2D keypoints in px.
        scores: (F, J) detector scores in [0, 1].
        keypoints_3d: (F, J, 3) camera-space joints in metres, absolute.
        camera_param: ``w``, ``h``, ``f`` (2,), ``c`` (2,), and ``R``, ``T``
            where known.
        mixtures: (F, J, M, 5) [weight, mean_u, mean_v, std_u, std_v] in px,
            or None.
    """
    subject: str
    action: str
    camera: str
    clip: str
    keypoints_2d: np.ndarray
    scores: np.ndarray
    keypoints_3d: np.ndarray
    camera_param: Dict[str, Any]
    mixtures: Optional[np.ndarray] = None

    def __len__(self) -> int:
        """Number of frames F."""
        return len(self.keypoints_3d)

    @property
    def name(self) -> str:
        """Subject, clip and camera, for messages."""
        return f'{self.subject} {self.clip} camera {self.camera}'

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        arrays = (self.keypoints_2d, self.scores, self.keypoints_3d,
                  self.mixtures)
        return sum(array.nbytes for array in arrays if array is not None)

    def copy_camera_param(self) -> Dict[str, Any]:
        """``camera_param`` with arrays of its own."""
        return {
            key: value.copy() if isinstance(value, np.ndarray) else value
            for key, value in self.camera_param.items()
        }

    def validate(self, num_joints: int) -> None:
        """Checks shapes, finiteness and units; makes the arrays float32.

        Args:
            num_joints: Joints J that the data set has.

        Raises:
            ValueError: Naming the sequence, the array, what was expected and
                what was found.
        """
        frames = len(self)
        if frames == 0:
            raise ValueError(f'{self.name}: no frames')
        shapes = dict(
            keypoints_3d=(num_joints, 3),
            keypoints_2d=(num_joints, 2),
            scores=(num_joints, ))
        if self.mixtures is not None:
            components = self.mixtures.shape[2:3]
            shapes['mixtures'] = (num_joints, *components, 5)
        for key, shape in shapes.items():
            self._check_array(key, (frames, *shape))
        self._check_values()
        missing = {'w', 'h', 'f', 'c'} - set(self.camera_param)
        if missing:
            raise ValueError(f'{self.name}: camera_param lacks '
                             f'{sorted(missing)}, found '
                             f'{sorted(self.camera_param)}')

    def _check_array(self, key: str, shape: tuple) -> None:
        array = np.asarray(getattr(self, key), np.float32)
        setattr(self, key, array)
        if array.shape != shape:
            same_joints = array.shape[1:] == shape[1:]
            cause = ('frame counts of the arrays differ'
                     if same_joints else 'wrong shape or joint count')
            raise ValueError(f'{self.name}: {key}: {cause}: expected {shape}, '
                             f'found {array.shape}')
        if not np.isfinite(array).all():
            bad = int((~np.isfinite(array)).reshape(len(array),
                                                    -1).any(1).argmax())
            raise ValueError(f'{self.name}: {key}: expected finite numbers, '
                             f'found NaN or infinity first in frame {bad}')

    def _check_values(self) -> None:
        extent = float(np.ptp(self.keypoints_3d, axis=1).max())
        if extent > MAX_BODY_EXTENT:
            raise ValueError(
                f'{self.name}: keypoints_3d: units are metres, expected a '
                f'body of at most {MAX_BODY_EXTENT:g} m, found one of '
                f'{extent:g} (millimetres?)')
        if extent < MAX_BODY_EXTENT / 1000:
            raise ValueError(
                f'{self.name}: keypoints_3d: units are metres, found a body '
                f'of {extent:g} m')
        if not (self.keypoints_3d[..., 2] > 0).all():
            raise ValueError(
                f'{self.name}: keypoints_3d: expected camera axes with all '
                'joints in front of the camera (z > 0), found a smallest z '
                f'of {float(self.keypoints_3d[..., 2].min()):g} m')
        low, high = float(self.scores.min()), float(self.scores.max())
        if low < 0 or high > 1:
            raise ValueError(f'{self.name}: scores: expected values in '
                             f'[0, 1], found [{low:g}, {high:g}]')
