# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Pinhole cameras in plain NumPy.

The world is right-handed with y up, in metres. Camera axes are x right, y
down, z forward, so that a point projects to ``f * x / z + c``. Extrinsics
follow Human3.6M's ``cameras.pkl`` as MMPose writes it: ``R`` turns camera
axes into world axes and ``T`` is the camera's position, so that
``x_camera = R.T @ (x_world - T)``.
"""

from dataclasses import dataclass
from typing import Any, Dict, Sequence, Tuple, Union

import numpy as np

_UP = np.array([0., 1., 0.])


@dataclass(frozen=True)
class PinholeCamera:
    """A camera without lens distortion.

    Attributes:
        name: Identifier, without underscores or dots (it becomes part of
            Human3.6M-style image names).
        width: Image width in px.
        height: Image height in px.
        focal: (fx, fy) in px.
        center: Principal point (cx, cy) in px.
        rotation: (3, 3) camera axes to world axes, ``R``.
        position: (3,) camera centre in the world in metres, ``T``.
    """
    name: str
    width: int
    height: int
    focal: Tuple[float, float]
    center: Tuple[float, float]
    rotation: np.ndarray
    position: np.ndarray

    def world_to_camera(self, points: np.ndarray) -> np.ndarray:
        """World points (..., 3) to camera axes (..., 3), both metres."""
        return (points - self.position) @ self.rotation

    def camera_to_world(self, points: np.ndarray) -> np.ndarray:
        """Camera-space points (..., 3) to the world (..., 3), both metres."""
        return points @ self.rotation.T + self.position

    def project(self, points: np.ndarray) -> np.ndarray:
        """Camera-space points (..., 3) in metres to pixels (..., 2)."""
        return project(points, self.focal, self.center)

    def as_param(self) -> Dict[str, Any]:
        """The camera as a ``camera_param`` dict of a dataset sample."""
        return dict(
            name=self.name,
            w=self.width,
            h=self.height,
            f=np.array(self.focal, np.float32),
            c=np.array(self.center, np.float32),
            R=self.rotation.astype(np.float32),
            T=self.position.astype(np.float32))


def project(points: np.ndarray, focal: Union[Sequence[float], np.ndarray],
            center: Union[Sequence[float], np.ndarray]) -> np.ndarray:
    """Pinhole projection ``f * x / z + c``.

    Args:
        points: (..., 3) camera-space points in metres, z > 0.
        focal: (fx, fy) in px.
        center: (cx, cy) in px.

    Returns:
        (..., 2) pixels.

    Raises:
        ValueError: If a point does not lie in front of the camera.
    """
    depth = points[..., 2:]
    if not (depth > 0).all():
        raise ValueError('points must lie in front of the camera: expected '
                         f'z > 0, found a smallest z of {depth.min():.3f} m')
    return points[..., :2] / depth * np.asarray(focal) + np.asarray(center)


def turn_about_vertical(points: np.ndarray, heading: float) -> np.ndarray:
    """Turn world points (..., 3) by ``heading`` degrees about the y axis."""
    angle = np.deg2rad(heading)
    return points @ np.array([[np.cos(angle), 0, -np.sin(angle)], [0, 1, 0],
                              [np.sin(angle), 0,
                               np.cos(angle)]])


def look_at(position: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Rotation of an upright camera that looks at a point.

    Args:
        position: (3,) camera centre in a y-up world.
        target: (3,) point that the optical axis goes through.

    Returns:
        (3, 3) camera-to-world rotation; its columns are the camera's x, y
        and z axes in the world.
    """
    forward = np.asarray(target, np.float64) - position
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, _UP)
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(forward, right), forward], axis=1)


def _virtual_camera(name: str, azimuth: float, distance: float, height: float,
                    focal: Tuple[float, float],
                    center: Tuple[float, float]) -> PinholeCamera:
    angle = np.deg2rad(azimuth)
    position = np.array(
        [distance * np.sin(angle), height, distance * np.cos(angle)])
    return PinholeCamera(
        name=name,
        width=1000,
        height=1000,
        focal=focal,
        center=center,
        rotation=look_at(position, np.array(SUBJECT_CENTER)),
        position=position)


SUBJECT_CENTER: Tuple[float, float, float] = (0., 1.1, 0.)
"""World point in metres that the virtual cameras look at: waist height above
the middle of the capture area."""

VIRTUAL_CAMERAS: Tuple[PinholeCamera,
                       ...] = (_virtual_camera('v0', 38., 5.3, 1.58,
                                               (1145., 1144.), (512., 515.)),
                               _virtual_camera('v1', 127., 5.5, 1.65,
                                               (1149., 1148.), (509., 508.)),
                               _virtual_camera('v2', 219., 5.2, 1.60,
                                               (1146., 1145.), (491., 502.)),
                               _virtual_camera('v3', 308., 5.4, 1.55,
                                               (1145., 1143.), (515., 497.)))
"""Four fixed cameras like Human3.6M's: 1000 x 1000 px, focal length about
1145 px, some 5 m from the middle, 1.6 m high, pitched down by 5 to 6 degrees,
one in each quadrant. Azimuths are counted from the world's z axis towards x.
Chosen by hand before any training, never tuned."""


def normalize_screen(pixels: np.ndarray, width: int,
                     height: int) -> np.ndarray:
    """Pixels to screen coordinates: ``u / w * 2 - 1``, ``v / w * 2 - h / w``.

    Args:
        pixels: (..., 2) image coordinates in px.
        width: Image width in px.
        height: Image height in px.

    Returns:
        (..., 2): x in [-1, 1], y in [-h/w, h/w], aspect ratio preserved.
    """
    return pixels / width * 2 - np.array([1, height / width], pixels.dtype)


def denormalize_screen(screen: np.ndarray, width: int,
                       height: int) -> np.ndarray:
    """Inverse of :func:`normalize_screen`: (..., 2) screen to pixels."""
    return (screen + np.array([1, height / width], screen.dtype)) * width / 2
