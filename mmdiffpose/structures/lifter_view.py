# Copyright (c) mmdiffpose contributors. All rights reserved.
"""How a person's picture was moved for a lifter, and what undoes it."""

from dataclasses import dataclass
from typing import Optional, Sequence, Tuple

import numpy as np

from .canonical_view import rotation_towards


@dataclass(frozen=True)
class LifterView:
    """The camera that a lifter took the picture to be of, frame by frame.

    It stands where the real camera does, is turned towards the person and
    zoomed to them. Its poses are those of the real camera after one rotation,
    which follows from the pixel that it faces and the focal length.

    Attributes:
        rotation: (F, 3, 3) from the real camera's axes to this one's:
            ``lifter = rotation @ camera``.
        center: (F, 2) the pixel of the picture that it faces.
        zoom: (F, ) pixels of its picture for each pixel of the real one.
    """
    rotation: np.ndarray
    center: np.ndarray
    zoom: np.ndarray

    @classmethod
    def facing(cls, center: np.ndarray, zoom: np.ndarray, focal_px: float,
               principal: np.ndarray) -> 'LifterView':
        """Views of a camera that is turned without roll.

        Args:
            center (np.ndarray): (F, 2) the pixels that it faces.
            zoom (np.ndarray): (F, ) see the class.
            focal_px (float): The real camera's focal length, pixels.
            principal (np.ndarray): (2, ) its principal point, pixels.
        """
        center = np.asarray(center, float)
        tangents = (center - np.asarray(principal, float)) / focal_px
        return cls(rotation_towards(tangents), center, np.asarray(zoom, float))

    @classmethod
    def turned_by(cls, rotation: np.ndarray, focal_px: float,
                  principal: np.ndarray) -> 'LifterView':
        """Views of known rotations (F, 3, 3), not zoomed."""
        rotation = np.asarray(rotation, float)
        tangents = rotation[:, 2, :2] / rotation[:, 2, 2:]
        center = focal_px * tangents + np.asarray(principal, float)
        return cls(rotation, center, np.ones(len(rotation)))

    def __len__(self) -> int:
        return len(self.rotation)

    def part(self, start: int, stop: int) -> 'LifterView':
        """Rows ``start`` to before ``stop``."""
        rows = slice(start, stop)
        return LifterView(self.rotation[rows], self.center[rows],
                          self.zoom[rows])

    def refocused(self, focal_px: float,
                  principal: np.ndarray) -> 'LifterView':
        """The same views, of a camera with another focal length."""
        return LifterView.facing(self.center, self.zoom, focal_px, principal)


def join_views(views: Sequence[Optional[LifterView]]) -> Optional[LifterView]:
    """Views of consecutive pieces of a track, one after the other.

    Raises:
        ValueError: If some pieces were moved for the lifter and others not.
    """
    known = [view for view in views if view is not None]
    if not known:
        return None
    if len(known) < len(views):
        raise ValueError('pieces of one track: expected all or none to have '
                         f'a view, found {len(known)} of {len(views)}')
    return LifterView(*(np.concatenate([getattr(view, name) for view in known])
                        for name in ('rotation', 'center', 'zoom')))


def rotate_rows(points: Optional[np.ndarray],
                rotation: np.ndarray) -> Optional[np.ndarray]:
    """Rotate each row's points.

    Args:
        points (np.ndarray, optional): (F, ..., 3).
        rotation (np.ndarray): (F, 3, 3), or (3, 3) for all.

    Returns:
        np.ndarray | None: ``rotation @ point``, of the points' type.
    """
    if points is None:
        return None
    turned = np.swapaxes(rotation, -1, -2).astype(points.dtype)
    if points.ndim == 2:
        return (points[:, None] @ turned)[:, 0]
    return points @ _spread(turned, points.ndim)


def rotate_covariances(covariance: Optional[np.ndarray],
                       rotation: np.ndarray) -> Optional[np.ndarray]:
    """Rotate each row's covariance matrices (F, J, 3, 3); see
    :func:`rotate_rows`."""
    if covariance is None:
        return None
    matrix = _spread(rotation.astype(covariance.dtype), covariance.ndim)
    return matrix @ covariance @ np.swapaxes(matrix, -1, -2)


def _spread(rotation: np.ndarray, ndim: int) -> np.ndarray:
    """A rotation per row, with axes of one between, for matmul."""
    if rotation.ndim == 2:
        return rotation
    shape: Tuple[int, ...] = (len(rotation), *(1, ) * (ndim - 3), 3, 3)
    return rotation.reshape(shape)
