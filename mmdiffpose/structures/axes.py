# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Axes that results can be written in."""

from typing import Dict

import numpy as np

AXES: Dict[str, np.ndarray] = {
    'camera': np.eye(3),
    'y-up': np.diag([1., -1., -1.]),
    'z-up': np.array([[1., 0, 0], [0, 0, 1], [0, -1, 0]]),
}
"""Rotations (3, 3) from camera axes. ``camera``: x right, y down, z forward;
``y-up``: x right, y up, z backward (towards the camera); ``z-up``: x right,
y forward, z up. All are right-handed. Up is the picture's up: where the
camera is pitched, the floor is tilted."""

LIFTER = 'lifter'
"""Axes that differ from track to track: those of the view that the lifter was
shown, see :class:`~mmdiffpose.structures.lifter_view.LifterView`."""

AXES_NAMES = (*AXES, LIFTER)


def check_axes(axes: str) -> str:
    """Check a name of axes and return it.

    Raises:
        ValueError: If there are no such axes; names those that there are.
    """
    if axes not in AXES_NAMES:
        raise ValueError(
            f'unknown axes {axes!r}, expected one of {sorted(AXES_NAMES)}')
    return axes


def to_axes(points: np.ndarray, axes: str) -> np.ndarray:
    """Rotate points (..., 3) from camera axes to others of :data:`AXES`.

    Raises:
        ValueError: If there are no such axes.
    """
    if axes not in AXES:
        raise ValueError(
            f'unknown axes {axes!r}, expected one of {sorted(AXES)}')
    return (points @ AXES[axes].T).astype(points.dtype)
