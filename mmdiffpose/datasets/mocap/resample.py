# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Motions at another frame rate."""

import numpy as np
from scipy.interpolate import CubicSpline


def resample(positions: np.ndarray,
             source_fps: float,
             target_fps: float = 50) -> np.ndarray:
    """Joint positions at another frame rate, by cubic interpolation.

    The first frame stays; frame ``i`` of the result is at ``i / target_fps``
    seconds, up to the last frame of the source and not beyond. Positions are
    interpolated, not angles: between frames of 120 Hz a bone's length
    changes by well under a millimetre.

    Args:
        positions: (F, J, 3), any unit.
        source_fps: Frames a second of ``positions``.
        target_fps: Frames a second wanted.

    Returns:
        (F', J, 3) in the floating-point type of the input, with
        F' = floor((F - 1) * target_fps / source_fps) + 1.

    Raises:
        ValueError: If a frame rate is not positive or there is no frame.
    """
    if not (source_fps > 0 and target_fps > 0):
        raise ValueError('frame rates must be positive, got '
                         f'source_fps={source_fps}, target_fps={target_fps}')
    if not len(positions):
        raise ValueError('there is no frame to resample')
    # A hair of tolerance keeps the last frame where the rates divide.
    count = int((len(positions) - 1) * target_fps / source_fps + 1e-6) + 1
    if source_fps == target_fps or len(positions) == 1:
        return positions[:count]
    places = np.arange(count) * (source_fps / target_fps)
    places = np.minimum(places, len(positions) - 1)
    spline = CubicSpline(
        np.arange(len(positions)), positions.astype(np.float64), axis=0)
    return spline(places).astype(positions.dtype)
