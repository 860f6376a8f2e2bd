# Copyright (c) mmdiffpose contributors. All rights reserved.
"""One clip seen by one camera."""

from dataclasses import dataclass
from typing import Any, Dict, Optional

import numpy as np

from mmdiffpose.input_files import check_name

MAX_BODY_EXTENT = 5.
"""Metres that no two joints of a person are ever apart."""

MIN_BODY_EXTENT = 0.3
"""Metres along one axis that a person, or an upper body, fills at least."""

_UNITS = ((0.001, 'is in millimetres'), (0.01, 'is in centimetres'),
          (0.0254, 'is in inches'), (0.3048, 'is in feet'),
          (10., 'is a tenth of its size'), (100., 'was divided by 100'),
          (1000., 'was divided by 1000'))
"""What people do to metres: the factor that undoes it, and a name."""

TYPICAL_EXTENT = (0.8, 2.5)
"""Metres that a person's joints mostly span along their longest axis."""


@dataclass
class PoseSequence:
    """Arrays of one clip and camera.

    Attributes:
        subject: Person, e.g. ``'S9'``.
        action: Action, e.g. ``'SittingDown'``.
        camera: Camera name.
        clip: Action and take, e.g. ``'SittingDown_1'``.
        keypoints_2d: (F, J, 2) 2D keypoints in px.
        scores: (F, J) detector scores in [0, 1]. A joint with score 0 was
            not seen; its 2D keypoint, NaN or not, has no effect.
        keypoints_3d: (F, J, 3) camera-space joints in metres, absolute.
        camera_param: ``w`` and ``h``; ``f`` (2,) and ``c`` (2,), and ``R``,
            ``T``, where known.
        mixtures: (F, J, M, 5) [weight, mean_u, mean_v, std_u, std_v] in px,
            or None.
        visible: (F, J), 0 where a joint's 3D position is not known, whatever
            ``keypoints_3d`` holds there, NaN or not: it is neither trained
            on nor scored. None where all are known.
        source: The file that it is of, for messages.
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
    visible: Optional[np.ndarray] = None
    source: Optional[str] = None

    def __len__(self) -> int:
        """Number of frames F."""
        return len(self.keypoints_3d)

    @property
    def name(self) -> str:
        """Subject, clip and camera, for messages."""
        return f'{self.subject} {self.clip} camera {self.camera}'

    @property
    def where(self) -> str:
        """File and name, for error messages."""
        return f'{self.source}: {self.name}' if self.source else self.name

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        arrays = (self.keypoints_2d, self.scores, self.keypoints_3d,
                  self.mixtures, self.visible)
        return sum(array.nbytes for array in arrays if array is not None)

    def copy_camera_param(self) -> Dict[str, Any]:
        """``camera_param`` with arrays of its own."""
        return {
            key: value.copy() if isinstance(value, np.ndarray) else value
            for key, value in self.camera_param.items()
        }

    def validate(self, num_joints: int) -> None:
        """Checks shapes, finiteness and units; makes the arrays float32.

        What stands in for an unknown 3D joint, or for a 2D joint that was
        not seen, is replaced by the middle of the others, so that no
        placeholder reaches a model, a picture or a statistic.

        Args:
            num_joints: Joints J that the data set has.

        Raises:
            ValueError: Naming the sequence, the array, what was expected and
                what was found.
        """
        frames = len(self)
        for key in ('subject', 'clip', 'camera', 'action'):
            check_name(f'{self.source or "a clip"}: {key}', getattr(self, key))
        if frames == 0:
            raise ValueError(f'{self.where}: no frames')
        shapes = dict(
            keypoints_3d=(num_joints, 3),
            keypoints_2d=(num_joints, 2),
            scores=(num_joints, ))
        if self.mixtures is not None:
            components = self.mixtures.shape[2:3]
            shapes['mixtures'] = (num_joints, *components, 5)
        if self.visible is not None:
            shapes['visible'] = (num_joints, )
        for key, shape in shapes.items():
            self._check_shape(key, (frames, *shape))
        self._hide_unknown()
        for key in shapes:
            self._check_finite(key)
        self._check_camera()
        self._check_values()

    def forget_unseen_frames(self) -> None:
        """Take the 3D poses of frames without any 2D joint for unknown."""
        seen = (self.scores > 0).any(axis=1)
        if not seen.all():
            self.visible = (self.known & seen[:, None]).astype(np.float32)

    def _check_camera(self) -> None:
        found = set(self.camera_param)
        missing = {'w', 'h'} - found
        if len({'f', 'c'} & found) == 1:
            missing |= {'f', 'c'} - found
        if missing:
            raise ValueError(f'{self.where}: camera_param lacks '
                             f'{sorted(missing)}, found '
                             f'{sorted(self.camera_param)}')

    @property
    def has_intrinsics(self) -> bool:
        """Whether focal length and principal point are known."""
        return {'f', 'c'} <= set(self.camera_param)

    @property
    def known(self) -> np.ndarray:
        """Whether each joint's 3D position is known, (F, J) bool."""
        if self.visible is None:
            return np.ones(self.keypoints_3d.shape[:2], bool)
        return self.visible > 0

    def _hide_unknown(self) -> None:
        """Replace placeholders of joints that are unknown or unseen."""
        if self.visible is not None:
            if not np.isfinite(self.visible).all():
                raise ValueError(f'{self.where}: visible: expected 0 or 1 for '
                                 'each joint, found NaN or infinity')
            self.visible = (self.visible > 0).astype(np.float32)
            if self.visible.all():
                self.visible = None
            else:
                self.keypoints_3d = fill_unknown(self.keypoints_3d, self.known)
        seen = ~(self.scores <= 0)  # a NaN is found later
        if not seen.all():
            self.keypoints_2d = fill_unknown(self.keypoints_2d, seen)
            if self.mixtures is not None:
                unseen = ~seen
                if not np.isfinite(self.mixtures[unseen]).all():
                    self.mixtures = np.array(self.mixtures)
                    self.mixtures[unseen] = [1, 0, 0, 1, 1]

    def _check_shape(self, key: str, shape: tuple) -> None:
        array = np.asarray(getattr(self, key), np.float32)
        setattr(self, key, array)
        if array.shape != shape:
            same_joints = array.shape[1:] == shape[1:]
            cause = ('frame counts of the arrays differ'
                     if same_joints else 'wrong shape or joint count')
            raise ValueError(
                f'{self.where}: {key}: {cause}: expected {shape}, '
                f'found {array.shape}')

    def _check_finite(self, key: str) -> None:
        array = getattr(self, key)
        if array is not None and not np.isfinite(array).all():
            bad = int((~np.isfinite(array)).reshape(len(array),
                                                    -1).any(1).argmax())
            hint = dict(
                keypoints_3d='; where a joint is not known, say so in visible',
                keypoints_2d='; where a joint was not seen, set its score to 0'
            ).get(key, '')
            raise ValueError(f'{self.where}: {key}: expected finite numbers, '
                             f'found NaN or infinity first in frame {bad}'
                             f'{hint}')

    def _check_values(self) -> None:
        if self.known.any():
            self._check_size()
        if self.has_intrinsics and not (self.keypoints_3d[..., 2] > 0).all():
            raise ValueError(
                f'{self.where}: keypoints_3d: expected camera axes with all '
                'joints in front of the camera (z > 0), found a smallest z '
                f'of {float(self.keypoints_3d[..., 2].min()):g} m')
        low, high = float(self.scores.min()), float(self.scores.max())
        if low < 0 or high > 1:
            raise ValueError(f'{self.where}: scores: expected values in '
                             f'[0, 1], found [{low:g}, {high:g}]')

    def _check_size(self) -> None:
        """Raise where what is known is no person in metres."""
        whole = self.known.sum(1) > self.known.shape[1] // 2
        rows = whole if whole.any() else self.known.any(1)
        extents = np.ptp(self.keypoints_3d[rows], axis=1).max(axis=1)
        if extents.max() > MAX_BODY_EXTENT:
            found, expected = float(extents.max()), 'at most'
            limit = MAX_BODY_EXTENT
        elif whole.any() and np.median(extents) < MIN_BODY_EXTENT:
            found, expected = float(np.median(extents)), 'at least'
            limit = MIN_BODY_EXTENT
        else:
            return
        raise ValueError(
            f'{self.where}: keypoints_3d: units are metres, expected a body '
            f'of {expected} {limit:g} m, found one of {found:.3g} m'
            f'{_guess_unit(float(np.median(extents)))}')


def _guess_unit(extent: float) -> str:
    """What unit a body of so many metres may be in, for a message."""
    low, high = TYPICAL_EXTENT
    likely = [(factor, unit) for factor, unit in _UNITS
              if low <= extent * factor <= high]
    if not likely:
        return ''
    # The one that makes the likeliest person of it.
    factor, unit = min(likely, key=lambda pair: abs(extent * pair[0] - 1.6))
    return f'; it looks as if it {unit}: multiply by {factor:g}'


def fill_unknown(points: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Points with the unknown ones in the middle of the known ones.

    Args:
        points: (F, J, C); what is unknown may be NaN.
        known: (F, J) bool.

    Returns:
        A copy, in which an unknown joint lies in the middle of its frame's
        known ones, and those of a frame without any where the nearest frame
        with some has them. Where nothing is known all are ones.
    """
    filled = np.where(known[..., None], points, 0)
    count = known.sum(axis=1)
    some = np.flatnonzero(count)
    if not len(some):
        return np.ones_like(filled)
    middle = filled.sum(axis=1) / np.maximum(count, 1)[:, None]
    right = np.searchsorted(some, np.arange(len(points)))
    right = np.minimum(right, len(some) - 1)
    left = np.maximum(right - 1, 0)
    frames = np.arange(len(points))
    nearer = np.abs(some[left] - frames) < np.abs(some[right] - frames)
    middle = middle[np.where(nearer, some[left], some[right])]
    return np.where(known[..., None], filled,
                    middle[:, None]).astype(points.dtype)
